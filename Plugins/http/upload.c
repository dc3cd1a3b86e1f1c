#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "body.h"

#define MOST_PATH 1024

static int fail(const char **error, const char *why) {
    *error = why;
    return -1;
}

static int open_last(int directory, const char *name, int64_t most, int64_t *size, const char **error) {
    struct stat status;
    /* Without waiting: a FIFO would hang. */
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return fail(error, "the file is not in uploads.directory, or cannot be read");
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) *error = "it is not a regular file";
    else if (status.st_size > most) *error = "the file is longer than uploads.maxBytes";
    else {
        *size = status.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

/* Each step by itself and without links: no name in the path can lead out of the directory, whoever changes it meanwhile. */
int upload_open(int directory, spindle_str path, int64_t most, int64_t *size, const char **error) {
    char text[MOST_PATH], *at = text;
    int here = directory, fd = -1;
    errno = 0;
    if (directory < 0) return fail(error, "this executor sends no files: an operator can set uploads.directory");
    if (path.len == 0 || path.len >= sizeof text) return fail(error, "the path is empty or longer than 1023 bytes");
    memcpy(text, path.ptr, path.len);
    text[path.len] = '\0';
    *error = "the path has to be relative and plain: no empty part, no . and no ..";
    for (;;) {
        char *slash = strchr(at, '/');
        int next;
        if (slash != NULL) *slash = '\0';
        if (at[0] == '\0' || strcmp(at, ".") == 0 || strcmp(at, "..") == 0) break;
        if (slash == NULL) {
            fd = open_last(here, at, most, size, error);
            break;
        }
        next = openat(here, at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (here != directory) close(here);
        here = next;
        if (here < 0) return fail(error, "the file is not in uploads.directory, or cannot be read");
        at = slash + 1;
    }
    if (here != directory) close(here);
    return fd;
}
