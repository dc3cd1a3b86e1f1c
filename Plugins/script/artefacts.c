#include "run.h"

#include "supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    char *name;
    int64_t size; /* as it was counted */
};

struct keeping {
    struct run *run;
    int directory;
    struct file *files;
    size_t count;
    int64_t bytes;
};

static void log_skip(struct keeping *k, const char *name, const char *why) {
    char message[400];
    if (k->run->artefacts.skipped++ >= 20) return; /* more of the same */
    (void)snprintf(message, sizeof message, "%.*s in SPINDLE_ARTEFACTS is not kept: %s", shown(strlen(name)), name, why);
    spindle_log(k->run->request, SPINDLE_LOG_WARNING, message);
}

static bool is_text(const char *name) {
    const unsigned char *at = (const unsigned char *)name;
    size_t left = strlen(name), step;
    for (; left > 0; at += step, left -= step) {
        step = utf8_length(at, left);
        if (step == 0 || *at < 0x20 || *at == 0x7F) return false;
    }
    return true;
}

/* NULL, or why not. A link could lead to what only the worker may read, be it a hard one: then the file is somebody else's or
 * has another name as well. */
static const char *unfit(const struct run *run, const struct stat *status) {
    uid_t owner = run->config->user.other ? run->config->user.uid : geteuid();
    if (S_ISLNK(status->st_mode)) return "it is a symbolic link";
    if (S_ISDIR(status->st_mode)) return "it is a directory";
    if (!S_ISREG(status->st_mode)) return "it is not a regular file";
    if (status->st_nlink != 1 || status->st_uid != owner) return "it is linked from elsewhere or belongs to somebody else";
    return NULL;
}

static void fail(struct keeping *k, int32_t outcome, const char *why) {
    struct artefacts *artefacts = &k->run->artefacts;
    artefacts->outcome = outcome;
    (void)snprintf(artefacts->failure, sizeof artefacts->failure, "%s", why);
    spindle_log(k->run->request, SPINDLE_LOG_WARNING, artefacts->failure);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

/* All or nothing: what is over a limit is known before the first byte is sent. */
static bool list(struct keeping *k, DIR *stream) {
    const struct config *config = k->run->config;
    char why[200];
    struct dirent *entry;
    k->files = calloc((size_t)config->max_artefacts, sizeof *k->files);
    if (k->files == NULL) {
        fail(k, SPINDLE_RETRYABLE, "the files in SPINDLE_ARTEFACTS were not kept: no memory");
        return false;
    }
    while ((entry = readdir(stream)) != NULL) {
        struct stat status;
        const char *reason;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (fstatat(k->directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        reason = is_text(entry->d_name) ? unfit(k->run, &status) : "its name is not plain text";
        if (reason != NULL) {
            log_skip(k, entry->d_name, reason);
            continue;
        }
        if (k->count == (size_t)config->max_artefacts || status.st_size < 0 ||
            status.st_size > config->max_artefact_bytes - k->bytes) {
            (void)snprintf(why, sizeof why, "SPINDLE_ARTEFACTS holds more than %lld files or %lld bytes; none was kept",
                           (long long)config->max_artefacts, (long long)config->max_artefact_bytes);
            fail(k, SPINDLE_PERMANENT, why);
            return false;
        }
        k->bytes += status.st_size;
        k->files[k->count] = (struct file){ strdup(entry->d_name), status.st_size };
        if (k->files[k->count].name == NULL) {
            fail(k, SPINDLE_RETRYABLE, "the files in SPINDLE_ARTEFACTS were not kept: no memory");
            return false;
        }
        k->count++;
    }
    qsort(k->files, k->count, sizeof *k->files, by_name);
    return true;
}

/* False: the host takes no more of this attempt. */
static bool put(struct keeping *k, const char *name, const char *bytes, size_t len, uint32_t flags) {
    const spindle_request *request = k->run->request;
    spindle_status status;
    while ((status = request->host->artefact_write(request->ctx, request->handle, spindle_str_from_cstr(name),
                                                   spindle_str_make(bytes, len), flags)) == SPINDLE_AGAIN) {
        if (janitor_wait_for_room(k->run)) continue;
        fail(k, SPINDLE_CANCELLED, "not all files in SPINDLE_ARTEFACTS were kept: the attempt was cancelled");
        return false;
    }
    if (status >= 0) return true;
    fail(k, SPINDLE_RETRYABLE, "not all files in SPINDLE_ARTEFACTS were kept: the host took no more");
    return false;
}

/* Exactly what was counted: somebody who got away may still be writing. False: an end to all of them. */
static bool send_one(struct keeping *k, const struct file *file, char *buffer) {
    struct stat status;
    int64_t left = file->size;
    bool good = true;
    int fd = openat(k->directory, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0 || unfit(k->run, &status) != NULL) {
        log_skip(k, file->name, fd < 0 ? strerror(errno) : "it has changed");
        if (fd >= 0) (void)close(fd);
        return true;
    }
    while (good) {
        size_t most = left < SPINDLE_MAX_ARTEFACT_CHUNK_BYTES ? (size_t)left : SPINDLE_MAX_ARTEFACT_CHUNK_BYTES;
        ssize_t got = most == 0 ? 0 : read(fd, buffer, most);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 || (got == 0 && most > 0)) {
            /* Without a last chunk the host drops it. */
            log_skip(k, file->name, got < 0 ? strerror(errno) : "it has become shorter");
            break;
        }
        left -= got;
        good = put(k, file->name, buffer, (size_t)got, left == 0 ? SPINDLE_ARTEFACT_LAST : 0);
        if (left > 0) continue;
        k->run->artefacts.kept += good;
        break;
    }
    (void)close(fd);
    return good;
}

void artefacts_keep(struct run *run) {
    struct keeping k = { .run = run };
    char *buffer = malloc(SPINDLE_MAX_ARTEFACT_CHUNK_BYTES);
    int fd = openat(run->home.fd, WORKDIR_ARTEFACTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    DIR *stream = fd >= 0 && buffer != NULL ? fdopendir(fd) : NULL;
    size_t i;
    if (stream != NULL) {
        k.directory = fd;
        if (list(&k, stream)) {
            for (i = 0; i < k.count && send_one(&k, &k.files[i], buffer); i++) continue;
        }
        (void)closedir(stream);
    } else if (fd >= 0) {
        (void)close(fd);
        fail(&k, SPINDLE_RETRYABLE, "the files in SPINDLE_ARTEFACTS were not kept: no memory");
    } else if (error == ENOTDIR || error == ELOOP) {
        log_skip(&k, "the directory itself", "the program has put something else in its place");
    } else if (error != ENOENT) {
        fail(&k, SPINDLE_RETRYABLE, "the files in SPINDLE_ARTEFACTS were not kept: the directory cannot be opened");
    }
    for (i = 0; i < k.count; i++) free(k.files[i].name);
    free(k.files);
    free(buffer);
}
