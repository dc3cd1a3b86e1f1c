/*
 * A root of its own: an empty file system in memory, into which the system's programs and libraries are bound to read, the
 * grants to read or write, and nothing else. Made in the new mount namespace; when it is done the host's root is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

const char *const mounts_system[] = { "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", NULL };
/* Of /etc only what programs of all kinds read, and nobody's keys. */
const char *const mounts_settings[] = {
    "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/services", "/etc/protocols", "/etc/mime.types",
    "/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem", "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted", "/etc/ca-certificates", "/etc/gai.conf",
    /* These it gets of its own. */
    "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf", NULL,
};
enum { OWN_SETTINGS = 5 };

/* linux/mount.h; older libraries lack it. */
enum {
    ATTRIBUTE_READ_ONLY = 0x1,
    ATTRIBUTE_NO_SUID = 0x2,
    ATTRIBUTE_NO_DEVICES = 0x4,
    ATTRIBUTE_NO_EXEC = 0x8,
    TREE_CLONE = 1,
    MOVE_FROM_EMPTY = 0x4,
    MOVE_TO_EMPTY = 0x40,
    TREE_RECURSIVE = 0x8000,
};

typedef struct attributes {
    uint64_t set;
    uint64_t clear;
    uint64_t propagation;
    uint64_t user_namespace;
} attributes;

static const char old_root[] = "/.host";

static int is_there(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

/* Directories on the way to a path, and the path itself if it shall be one. */
static int make_directories(const char *path, int whole) {
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part) return 0;
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && !(path[i] == 0 && whole)) continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST && !is_there(part)) return 0;
    }
    return 1;
}

static int make_file(const char *path, const char *text) {
    if (!make_directories(path, 0)) return 0;
    return sandbox_write(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644), text);
}

/* The first part of a path and what is behind it; NULL at its end. */
static const char *split_part(const char *path, char *part) {
    while (*path == '/') path++;
    size_t length = strcspn(path, "/");
    if (length == 0) return NULL;
    if (length > NAME_MAX) length = NAME_MAX;
    memcpy(part, path, length);
    part[length] = 0;
    return path + length;
}

/* Opens what is below a directory, part by part and through no symbolic link, `..` being refused by setup_check. Not by openat2: a
 * service may be forbidden that. `is_made` makes the directories on the way, and at the end a directory or a file. -1: not there. */
static int walk(const char *from, const char *path, int is_made, int is_directory) {
    char part[NAME_MAX + 1];
    struct stat status;
    int fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0 && (path = split_part(path, part)) != NULL) {
        int is_last = path[strspn(path, "/")] == 0;
        int as_directory = !is_last || (is_made && is_directory);
        if (is_made && as_directory) (void)mkdirat(fd, part, 0755);
        if (is_made && !as_directory) {
            int file = openat(fd, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
            if (file >= 0) close(file);
        }
        int next = openat(fd, part, O_PATH | O_NOFOLLOW | O_CLOEXEC | (as_directory ? O_DIRECTORY : 0));
        int error = errno;
        close(fd);
        errno = error;
        fd = next;
    }
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISLNK(status.st_mode)) return fd;
    close(fd);
    errno = ELOOP;
    return -1;
}

/* The host's file or directory, at the same path here, and what is mounted below it. Not through a symbolic link, neither there
 * nor here, where an earlier grant may be mounted already: who may write somewhere below a grant must not decide what the next
 * worker sees. */
static int bind_path(const char *path, uint64_t set) {
    struct stat status;
    const attributes attributes = { .set = set };
    int fd = walk(old_root, path, 0, 0);
    if (fd < 0) return 0;
    int tree = -1, target = -1;
    int done = fstat(fd, &status) == 0;
    if (done) target = walk("/", path, 1, S_ISDIR(status.st_mode));
    if (target >= 0) tree = (int)syscall(SYS_open_tree, fd, "", AT_EMPTY_PATH | TREE_CLONE | O_CLOEXEC | TREE_RECURSIVE);
    done = tree >= 0
        && syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | TREE_RECURSIVE, &attributes, sizeof attributes) == 0
        && syscall(SYS_move_mount, tree, "", target, "", MOVE_FROM_EMPTY | MOVE_TO_EMPTY) == 0;
    int error = errno;
    if (tree >= 0) close(tree);
    if (target >= 0) close(target);
    close(fd);
    errno = error;
    return done;
}

/* The same for what the system has, or has not: a link is made again as it is. */
static int bind_system(const char *path) {
    char source[PATH_MAX + sizeof old_root], target[PATH_MAX];
    struct stat status;
    snprintf(source, sizeof source, "%s%s", old_root, path);
    if (lstat(source, &status) != 0) return 1;
    if (!S_ISLNK(status.st_mode)) return bind_path(path, ATTRIBUTE_READ_ONLY | ATTRIBUTE_NO_SUID | ATTRIBUTE_NO_DEVICES);
    ssize_t length = readlink(source, target, sizeof target - 1);
    if (length < 0 || !make_directories(path, 0)) return 0;
    target[length] = 0;
    return symlink(target, path) == 0 || errno == EEXIST;
}

static int make_memory(sandbox *box, const char *path, uint64_t size, const char *mode, unsigned long more) {
    char options[128];
    snprintf(options, sizeof options, "mode=%s,size=%" PRIu64 ",nr_inodes=65536", mode, size);
    if (!make_directories(path, 1) || mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | more, options) != 0) {
        return sandbox_refuse(box, "mount namespace", path);
    }
    return 1;
}

static int make_devices(sandbox *box) {
    static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom" };
    static const char *const links[][2] = {
        { "/proc/self/fd", "/dev/fd" }, { "/proc/self/fd/0", "/dev/stdin" }, { "/proc/self/fd/1", "/dev/stdout" },
        { "/proc/self/fd/2", "/dev/stderr" },
    };
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        if (!bind_path(devices[i], ATTRIBUTE_NO_SUID | ATTRIBUTE_NO_EXEC)) {
            return sandbox_refuse(box, "mount namespace", devices[i]);
        }
    }
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        if (symlink(links[i][0], links[i][1]) != 0) return sandbox_refuse(box, "mount namespace", links[i][1]);
    }
    return make_memory(box, "/dev/shm", 64 << 20, "1777", MS_NOEXEC);
}

/* Names of its own: itself and root, no others; and the hosts that a list grants. */
static int make_settings(sandbox *box, const char *resolver) {
    static char text[320 * SANDBOX_RELAYS + 512];
    int any = box->setup.net == SPW_NET_ANY;
    unsigned uid = sandbox_has(box, SPW_LAYER_IDS) ? box->setup.uid : getuid();
    unsigned gid = sandbox_has(box, SPW_LAYER_IDS) ? box->setup.gid : getgid();
    snprintf(text, sizeof text, "root:x:0:0:root:/:/usr/sbin/nologin\nplugin:x:%u:%u:plugin:/tmp:/usr/sbin/nologin\n", uid, gid);
    if (!make_file("/etc/passwd", text)) return 0;
    snprintf(text, sizeof text, "root:x:0:\nplugin:x:%u:\n", gid);
    if (!make_file("/etc/group", text)) return 0;
    size_t length = (size_t)snprintf(text, sizeof text, "127.0.0.1 localhost\n::1 localhost\n");
    for (size_t i = 0; i < box->setup.relays.count; i++) {
        char name[300], address[300];
        if (sandbox_split(sandbox_text(box->setup.relays.items[i]), name, sizeof name) == NULL) continue;
        relay_address(box, i, address, sizeof address);
        if (strcmp(name, address) == 0) continue;
        size_t room = sizeof text - length;
        int more = snprintf(text + length, room, "%s %s\n", address, name);
        if (more < 0 || (size_t)more >= room) {
            errno = ENOSPC;
            return 0;
        }
        length += (size_t)more;
    }
    return make_file("/etc/hosts", text)
        && make_file("/etc/nsswitch.conf", any ? "passwd: files\ngroup: files\nhosts: files dns\n"
                                               : "passwd: files\ngroup: files\nhosts: files\n")
        && (!any || make_file("/etc/resolv.conf", resolver));
}

static int bind_grants(sandbox *box) {
    const uint64_t safe = ATTRIBUTE_NO_SUID | ATTRIBUTE_NO_DEVICES;
    const uint64_t no_exec = (box->setup.allows & SPW_ALLOW_EXEC) != 0 ? 0 : ATTRIBUTE_NO_EXEC;
    const struct {
        const spw_list *paths;
        uint64_t set;
    } grants[] = {
        { &box->setup.reads, safe | ATTRIBUTE_READ_ONLY },
        /* Of what it can write, and of /tmp, it cannot map a file as code, unless it may run programs anyway. That is hardening: code
         * that reads a file can still do what the file says. */
        { &box->setup.writes, safe | no_exec },
    };
    /* The libraries that it is linked with, one by one: a directory would be a grant that nobody gave. */
    for (size_t i = 0; i < box->setup.libraries.count; i++) {
        const char *path = sandbox_text(box->setup.libraries.items[i]);
        if (!bind_system(path)) return sandbox_refuse(box, "mount namespace", path);
    }
    for (size_t k = 0; k < sizeof grants / sizeof grants[0]; k++) {
        for (size_t i = 0; i < grants[k].paths->count; i++) {
            const char *path = sandbox_text(grants[k].paths->items[i]);
            if (!bind_path(path, grants[k].set)) return sandbox_refuse(box, "mount namespace", path);
        }
    }
    return 1;
}

/* Only the names of the name servers are the host's; taken before its root is gone. */
static void read_resolver(char *text, size_t capacity) {
    int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, capacity - 1);
    text[length < 0 ? 0 : length] = 0;
    if (fd >= 0) close(fd);
}

static int leave_host_root(sandbox *box) {
    /* Over /tmp only because that is there everywhere: what the host has in it stays to be seen below the old root. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return sandbox_refuse(box, "mount namespace", "making it private");
    if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m,nr_inodes=8192") != 0) {
        return sandbox_refuse(box, "mount namespace", "its root");
    }
    int moved = chdir("/tmp") == 0 && mkdir("./.host", 0700) == 0 && syscall(SYS_pivot_root, ".", "./.host") == 0;
    if (!moved || chdir("/") != 0) {
        return sandbox_refuse(box, "mount namespace", "pivot_root");
    }
    return 1;
}

int mounts_make(sandbox *box) {
    char resolver[4096];
    uint64_t size = box->setup.file_size > 0 ? box->setup.file_size : 64 << 20;
    umask(022);
    read_resolver(resolver, sizeof resolver);
    if (!leave_host_root(box)) return 0;
    for (const char *const *path = mounts_system; *path != NULL; path++) {
        if (!bind_system(*path)) return sandbox_refuse(box, "mount namespace", *path);
    }
    size_t settings = sizeof mounts_settings / sizeof mounts_settings[0] - 1 - OWN_SETTINGS;
    for (size_t i = 0; i < settings; i++) {
        if (!bind_system(mounts_settings[i])) return sandbox_refuse(box, "mount namespace", mounts_settings[i]);
    }
    if (!make_settings(box, resolver)) return sandbox_refuse(box, "mount namespace", "its /etc");
    unsigned long no_exec = (box->setup.allows & SPW_ALLOW_EXEC) != 0 ? 0 : MS_NOEXEC;
    if (!make_memory(box, "/tmp", size, "1777", no_exec) || !make_devices(box)) return 0;
    box->old_proc = open("/.host/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (sandbox_has(box, SPW_LAYER_PID)) {
        if (!make_directories("/proc", 1)
            || mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid") != 0) {
            return sandbox_refuse(box, "mount namespace", "its /proc");
        }
    } else if (!bind_path("/proc", ATTRIBUTE_NO_SUID | ATTRIBUTE_NO_DEVICES | ATTRIBUTE_NO_EXEC)) {
        return sandbox_refuse(box, "mount namespace", "/proc");
    }
    if (!bind_grants(box)) return 0;
    if (umount2(old_root, MNT_DETACH) != 0 || rmdir(old_root) != 0) return sandbox_refuse(box, "mount namespace", "the old root");
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0) {
        return sandbox_refuse(box, "mount namespace", "making its root read-only");
    }
    if (chdir("/tmp") != 0) return sandbox_refuse(box, "mount namespace", "/tmp");
    umask(077);
    return 1;
}
