/* Before anything of the plugin runs: what the layers promise is tried, each time by doing what they must refuse. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

static int holds(sandbox *box, int refused, const char *layer, const char *what) {
    errno = 0;
    return refused ? 1 : sandbox_refuse(box, layer, what);
}

static int cannot_open(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC);
    if (fd >= 0) close(fd);
    return fd < 0;
}

static int test_files(sandbox *box) {
    if (!sandbox_has(box, SPW_LAYER_MOUNT)) return 1;
    return holds(box, cannot_open("/etc/shadow", O_RDONLY), "mount namespace", "/etc/shadow can be read")
        && holds(box, cannot_open("/sys", O_RDONLY | O_DIRECTORY), "mount namespace", "/sys is there")
        && holds(box, mkdir("/spindle-self-test", 0700) != 0, "mount namespace", "the root can be written");
}

/* A datagram needs no answer: it is the way out that is easily forgotten. */
static int cannot_reach(void) {
    const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(0xC0000201) } };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return 1;
    int reached = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return !reached;
}

static int test_net(sandbox *box) {
    if (sandbox_has(box, SPW_LAYER_NET) && !holds(box, cannot_reach(), "network namespace", "there is a way out")) return 0;
    if (!sandbox_has(box, SPW_LAYER_SECCOMP)) return 1;
    if (!holds(box, socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) < 0, "seccomp", "a raw socket can be made")) return 0;
    if (box->setup.net != SPW_NET_NONE) return 1;
    return holds(box, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0, "seccomp", "a socket can be made");
}

static int test_rights(sandbox *box) {
    if (sandbox_has(box, SPW_LAYER_IDS)) {
        if (!holds(box, setresuid(0, 0, 0) != 0 && setuid(0) != 0, "user", "root can be had back")) return 0;
        if (!holds(box, getuid() == box->setup.uid && geteuid() == box->setup.uid, "user", "it is another")) return 0;
        if (!holds(box, getgroups(0, NULL) == 0, "user", "it has groups of the host's")) return 0;
    }
    if (sandbox_has(box, SPW_LAYER_CAPS)) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { { .permitted = 1 } };
        int none = syscall(SYS_capget, &header, data) == 0 && (data[0].permitted | data[1].permitted) == 0;
        if (!holds(box, none && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0, "capabilities", "there are some")) return 0;
    }
    if (sandbox_has(box, SPW_LAYER_NO_PRIVS)) {
        if (!holds(box, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs", "it is not set")) return 0;
        if (!holds(box, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, "dumpable", "it is set")) return 0;
    }
    return 1;
}

static int test_memory(sandbox *box) {
    if (!sandbox_has(box, SPW_LAYER_MDWE)) return 1;
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) munmap(memory, 4096);
    return holds(box, memory == MAP_FAILED, "memory protection", "memory can be written and executed");
}

/* The outer's number outside is told by nobody; that of init is 1 inside, and its user is the host's. */
static int test_processes(sandbox *box) {
    if (sandbox_has(box, SPW_LAYER_PID) && !holds(box, getppid() == 1, "PID namespace", "init is not the first in it")) return 0;
    if (sandbox_has(box, SPW_LAYER_LANDLOCK) && landlock_version() >= 6
        && !holds(box, kill(getppid(), 0) != 0, "Landlock", "init can be signalled")) {
        return 0;
    }
    if (!sandbox_has(box, SPW_LAYER_SECCOMP)) return 1;
    if ((box->setup.allows & SPW_ALLOW_EXEC) == 0) {
        pid_t pid = fork();
        if (pid == 0) _exit(0);
        if (pid > 0) waitpid(pid, NULL, 0);
        if (!holds(box, pid < 0, "seccomp", "a process can be made")) return 0;
    }
    /* On ourselves as a tracee of init: were it allowed, it would do no harm until the next signal. */
    return holds(box, ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0, "seccomp", "ptrace is allowed")
        && holds(box, mount("none", "/tmp", "tmpfs", 0, NULL) != 0, "seccomp", "mount is allowed")
        && holds(box, syscall(SYS_unshare, 0) != 0, "seccomp", "unshare is allowed")
        && holds(box, syscall(SYS_io_uring_setup, 1, NULL) != 0 && errno == EPERM, "seccomp", "io_uring is allowed")
        && holds(box, syscall(SYS_keyctl, 0, 0, 0, 0, 0) < 0, "seccomp", "keyctl is allowed");
}

static int test_landlock(sandbox *box) {
    if (!sandbox_has(box, SPW_LAYER_LANDLOCK)) return 1;
    return holds(box, cannot_open("/", O_RDONLY | O_DIRECTORY), "Landlock", "the root can be listed");
}

int selftest_run(sandbox *box) {
    return test_rights(box) && test_files(box) && test_landlock(box) && test_net(box) && test_memory(box)
        && test_processes(box);
}
