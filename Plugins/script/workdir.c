#include "workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(struct problem *problem, const char *parent) {
    (void)problem_set(problem, "script.workdir", NULL, "no directory for the program can be made in %.*s: %s",
                      shown(strlen(parent)), parent, strerror(errno));
    problem->outcome = SPINDLE_RETRYABLE;
    return -1;
}

static bool give(int fd, const struct user *user) { return !user->other || fchown(fd, user->uid, user->gid) == 0; }

static bool make_artefacts(struct workdir *dir, const struct user *user) {
    size_t len = strlen(dir->path);
    int fd;
    bool made;
    dir->artefacts = malloc(len + sizeof "/" WORKDIR_ARTEFACTS);
    if (dir->artefacts == NULL) return false;
    memcpy(dir->artefacts, dir->path, len);
    memcpy(dir->artefacts + len, "/" WORKDIR_ARTEFACTS, sizeof "/" WORKDIR_ARTEFACTS);
    if (mkdirat(dir->fd, WORKDIR_ARTEFACTS, 0700) != 0) return false;
    if (!user->other) return true;
    fd = openat(dir->fd, WORKDIR_ARTEFACTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    made = fd >= 0 && give(fd, user);
    if (fd >= 0) (void)close(fd);
    return made;
}

int workdir_make(struct workdir *dir, const char *parent, const struct user *user, bool artefacts, struct problem *problem) {
    static const char name[] = "/spindle-script-XXXXXX";
    size_t len = strlen(parent);
    dir->fd = -1;
    dir->path = malloc(len + sizeof name);
    if (dir->path == NULL) return problem_memory(problem);
    memcpy(dir->path, parent, len);
    memcpy(dir->path + len, name, sizeof name);
    if (mkdtemp(dir->path) == NULL) { /* with mode 0700 */
        (void)failed(problem, parent);
        free(dir->path);
        dir->path = NULL;
        return -1;
    }
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* What it holds is made while it is still ours alone. */
    if (dir->fd >= 0 && (!artefacts || make_artefacts(dir, user)) && give(dir->fd, user)) return 0;
    (void)failed(problem, parent);
    if (dir->fd >= 0) (void)unlinkat(dir->fd, WORKDIR_ARTEFACTS, AT_REMOVEDIR);
    (void)rmdir(dir->path);
    workdir_free(dir);
    return -1;
}

int workdir_write_script(struct workdir *dir, const struct user *user, spindle_str text, const char *suffix,
                         struct problem *problem) {
    size_t done = 0;
    int fd;
    (void)snprintf(dir->script, sizeof dir->script, ".script%s", suffix);
    fd = openat(dir->fd, dir->script, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    while (fd >= 0 && done < text.len) {
        ssize_t put = write(fd, text.ptr + done, text.len - done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) break;
        done += (size_t)put;
    }
    if (fd >= 0 && done == text.len && give(fd, user)) {
        (void)close(fd);
        return 0;
    }
    (void)problem_set(problem, "script.workdir", NULL, "the script cannot be written into %.*s: %s", shown(strlen(dir->path)),
                      dir->path, strerror(errno));
    problem->outcome = SPINDLE_RETRYABLE;
    if (fd >= 0) (void)close(fd);
    return -1;
}

void workdir_free(struct workdir *dir) {
    if (dir->fd >= 0) (void)close(dir->fd);
    dir->fd = -1;
    free(dir->path);
    free(dir->artefacts);
    dir->path = dir->artefacts = NULL;
}

/* The program may have moved its directory and put another one there, even a link: only the one that we made counts.
 * rmdir itself follows no link. */
static bool remove_itself(struct workdir *dir) {
    struct stat ours, there;
    if (lstat(dir->path, &there) != 0) return errno == ENOENT;
    if (fstat(dir->fd, &ours) != 0 || ours.st_dev != there.st_dev || ours.st_ino != there.st_ino) return false;
    return rmdir(dir->path) == 0;
}

bool workdir_remove_empty(struct workdir *dir) {
    if (dir->path == NULL) return true;
    if (dir->script[0] != 0) (void)unlinkat(dir->fd, dir->script, 0);
    if (dir->artefacts != NULL) (void)unlinkat(dir->fd, WORKDIR_ARTEFACTS, AT_REMOVEDIR); /* not if there is one */
    if (!remove_itself(dir)) return false;
    workdir_free(dir);
    return true;
}

/* A directory that its owner may not write to or search can neither be emptied nor moved. chmod through /proc, because
 * by name it would follow a link. */
static int open_to_empty(int parent, const char *name) {
    char link[40];
    int fd;
    int path = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (path < 0) return -1;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", path);
    (void)chmod(link, 0700);
    fd = openat(path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)close(path);
    return fd;
}

/* Empties one directory: what cannot be removed because it is full is moved to the top, to be emptied later. So a tree of
 * any depth needs neither recursion nor more than a few file descriptors. */
static bool empty_one(int fd, int top, unsigned long *moved) {
    bool clean = true;
    struct dirent *entry;
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        (void)close(fd);
        return false;
    }
    while ((entry = readdir(stream)) != NULL) {
        const char *name = entry->d_name;
        char other[40];
        int inner;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
        if (entry->d_type != DT_DIR && unlinkat(dirfd(stream), name, 0) == 0) continue;
        if (unlinkat(dirfd(stream), name, AT_REMOVEDIR) == 0 || errno == ENOENT) continue;
        inner = open_to_empty(dirfd(stream), name); /* for its mode: moving a directory needs write access to it */
        if (inner >= 0) (void)close(inner);
        do {
            (void)snprintf(other, sizeof other, ".spindle-%lu", (*moved)++);
        } while (faccessat(top, other, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
        if (renameat(dirfd(stream), name, top, other) != 0) clean = false;
    }
    (void)closedir(stream);
    return clean;
}

/* One pass over the top. *left: is anything there still? False: no progress is possible. */
static bool pass(int top, unsigned long *moved, bool *left) {
    bool progress = false;
    struct dirent *entry;
    DIR *stream;
    int fd = open_to_empty(top, ".");
    *left = true;
    if (fd < 0) return false;
    stream = fdopendir(fd);
    if (stream == NULL) {
        (void)close(fd);
        return false;
    }
    *left = false;
    while ((entry = readdir(stream)) != NULL) {
        const char *name = entry->d_name;
        int inner;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
        if ((entry->d_type != DT_DIR && unlinkat(top, name, 0) == 0) || unlinkat(top, name, AT_REMOVEDIR) == 0) {
            progress = true;
            continue;
        }
        *left = true;
        inner = open_to_empty(top, name);
        if (inner >= 0 && empty_one(inner, top, moved) && unlinkat(top, name, AT_REMOVEDIR) == 0) progress = true;
    }
    (void)closedir(stream);
    return progress;
}

bool workdir_remove_tree(struct workdir *dir) {
    unsigned long moved = 0;
    int attempts = 0;
    bool left = true, gone;
    if (dir->path == NULL) return true;
    /* Bounded: a process that got away (see spawn.c) could go on writing for ever. */
    while (left && attempts < 3) {
        if (!pass(dir->fd, &moved, &left)) attempts++;
        if (moved > 1000000) break;
    }
    gone = remove_itself(dir);
    workdir_free(dir);
    return gone;
}
