/* Landlock: what may be opened, and whom a connection or a signal may reach, whatever the namespaces show. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

/* The kernel's words for it (linux/landlock.h); older headers lack the newer ones. */
enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_MAKE_CHAR = 1 << 6,
    FS_MAKE_BLOCK = 1 << 11,
    FS_REFER = 1 << 13,     /* ABI 2 */
    FS_TRUNCATE = 1 << 14,  /* ABI 3 */
    FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
    FS_FIRST = (1 << 13) - 1,
    FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
    FS_READ = FS_READ_FILE | FS_READ_DIR,
    NET_BIND_TCP = 1 << 0, /* ABI 4 */
    NET_CONNECT_TCP = 1 << 1,
    SCOPE_ABSTRACT_UNIX = 1 << 0, /* ABI 6 */
    SCOPE_SIGNAL = 1 << 1,
    RULE_PATH = 1,
    RULE_PORT = 2,
    CREATE_VERSION = 1,
};

typedef struct attributes {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
} attributes;

typedef struct path_rule {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed)) path_rule;

typedef struct port_rule {
    uint64_t allowed;
    uint64_t port;
} port_rule;

int landlock_version(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    return version < 0 ? 0 : (int)version;
}

static attributes all_of(int version, uint32_t net) {
    attributes all = { .fs = FS_FIRST };
    if (version >= 2) all.fs |= FS_REFER;
    if (version >= 3) all.fs |= FS_TRUNCATE;
    if (version >= 4 && net != SPW_NET_ANY) all.net = NET_BIND_TCP | NET_CONNECT_TCP;
    if (version >= 5) all.fs |= FS_IOCTL_DEV;
    if (version >= 6) all.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
    return all;
}

/* -1: it cannot be opened. */
static int allow_path(int rules, const char *path, uint64_t allowed) {
    struct stat status;
    path_rule rule = { .allowed = allowed, .fd = open(path, O_PATH | O_CLOEXEC) };
    if (rule.fd < 0) return -1;
    int added = fstat(rule.fd, &status) == 0;
    if (added && !S_ISDIR(status.st_mode)) rule.allowed &= FS_OF_FILES;
    added = added && syscall(SYS_landlock_add_rule, rules, RULE_PATH, &rule, 0) == 0;
    int error = errno;
    close(rule.fd);
    errno = error;
    return added;
}

/* What is not there needs no rule. */
static int allow_all(int rules, const char *const *paths, uint64_t allowed) {
    for (; *paths != NULL; paths++) {
        if (allow_path(rules, *paths, allowed) == 0) return 0;
    }
    return 1;
}

static int allow_list(int rules, const spw_list *paths, uint64_t allowed, int must_be_there) {
    for (size_t i = 0; i < paths->count; i++) {
        int added = allow_path(rules, sandbox_text(paths->items[i]), allowed);
        if (added == 0 || (added < 0 && must_be_there)) return 0;
    }
    return 1;
}

static int allow_ports(int rules, const sandbox *box) {
    for (size_t i = 0; i < box->setup.relays.count; i++) {
        char name[300];
        const char *rest = sandbox_split(sandbox_text(box->setup.relays.items[i]), name, sizeof name);
        const port_rule rule = { NET_CONNECT_TCP, rest == NULL ? 0 : strtoul(rest, NULL, 10) };
        if (syscall(SYS_landlock_add_rule, rules, RULE_PORT, &rule, 0) != 0) return 0;
    }
    return 1;
}

int landlock_restrict(sandbox *box) {
    static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", NULL };
    static const char *const own[] = { "/tmp", "/dev/shm", NULL };
    static const char *const proc[] = { "/proc", NULL };
    int version = landlock_version();
    if (version == 0) return sandbox_refuse(box, "Landlock", "the kernel does not have it, or it is switched off");
    attributes all = all_of(version, box->setup.net);
    /* The kernel refuses what it does not know only if it is not zero. */
    int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (rules < 0) return sandbox_refuse(box, "Landlock", "landlock_create_ruleset");
    uint64_t run = (box->setup.allows & SPW_ALLOW_EXEC) != 0 ? FS_EXECUTE : 0;
    uint64_t write = (all.fs & ~(uint64_t)(FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_BLOCK | FS_IOCTL_DEV)) | run;
    int is_own = sandbox_has(box, SPW_LAYER_MOUNT); /* else they are everybody's */
    int done = allow_all(rules, mounts_system, FS_READ | run) && allow_all(rules, mounts_settings, FS_READ)
            && allow_all(rules, devices, FS_READ_FILE | FS_WRITE_FILE | (all.fs & FS_IOCTL_DEV))
            && (!is_own || allow_all(rules, own, write)) && (!is_own || allow_all(rules, proc, FS_READ | FS_WRITE_FILE))
            && allow_list(rules, &box->setup.libraries, FS_READ | run, 0)
            && allow_list(rules, &box->setup.reads, FS_READ | run, 1) && allow_list(rules, &box->setup.writes, write, 1)
            && (all.net == 0 || allow_ports(rules, box))
            && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    int error = errno;
    close(rules);
    errno = error;
    return done ? 1 : sandbox_refuse(box, "Landlock", "its rules");
}
