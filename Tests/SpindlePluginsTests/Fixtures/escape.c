/*
 * Tries to get out of where it runs. The target names what to try; the answer is "reached", or the name of what refused it.
 * Parameters: path, port, pid, name, as each needs. It asks for everything, so that what it gets is what the operator grants.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <spindle/executor.h>

static const spindle_request *request;

static const char *param(const char *name) {
    static char texts[8][4096];
    static int next;
    spindle_str value = spindle_param_or(request, name, "");
    char *text = texts[next++ % 8];
    size_t length = value.len < 4095 ? value.len : 4095;
    memcpy(text, value.ptr, length);
    text[length] = 0;
    return text;
}

/* A system call's result: 0 or more is success. */
static int done(long result) { return result < 0 ? errno : 0; }

static int try_read(void) {
    char byte;
    int fd = open(param("path"), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int error = done(read(fd, &byte, 1));
    close(fd);
    return error;
}

static int try_list(void) {
    int fd = open(param("path"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = done(fd);
    if (fd >= 0) close(fd);
    return error;
}

static int try_write(void) {
    int fd = open(param("path"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return errno;
    int error = done(write(fd, "x", 1));
    close(fd);
    return error;
}

/* Fills a file until it is told to stop. */
static int try_fill(void) {
    static char block[65536];
    int fd = open(param("path"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return errno;
    int error = 0;
    for (int i = 0; i < 4096 && error == 0; i++) error = done(write(fd, block, sizeof block));
    close(fd);
    unlink(param("path"));
    return error;
}

static int try_connect(int type) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(param("port"))) };
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    int error = done(connect(fd, (struct sockaddr *)&address, sizeof address));
    /* Of a datagram that nobody takes, the next one tells. */
    for (int i = 0; i < 2 && error == 0 && type == SOCK_DGRAM; i++) error = done(send(fd, "x", 1, 0));
    close(fd);
    return error;
}

static int try_tcp(void) { return try_connect(SOCK_STREAM); }
static int try_udp(void) { return try_connect(SOCK_DGRAM); }

static int try_raw(void) {
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    int error = done(fd);
    if (fd >= 0) close(fd);
    return error;
}

/* Connects to a name and reads a line, as any program with a library for it would. */
static int try_name(void) {
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    char byte = 0;
    int status = getaddrinfo(param("name"), param("port"), &hints, &found);
    if (status != 0) return ENOENT;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = done(fd);
    if (error == 0) error = done(connect(fd, found->ai_addr, found->ai_addrlen));
    if (error == 0) error = done(write(fd, "ping", 4));
    if (error == 0) shutdown(fd, SHUT_WR);
    if (error == 0 && (read(fd, &byte, 1) != 1 || byte != 'p')) error = EPROTO;
    if (fd >= 0) close(fd);
    freeaddrinfo(found);
    return error;
}

static int try_abstract(void) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *name = param("name");
    strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    int error = done(connect(fd, (struct sockaddr *)&address, length));
    close(fd);
    return error;
}

static int try_signal(void) { return done(kill((pid_t)atoi(param("pid")), 0)); }

static int try_parent(void) { return done(kill(getppid(), 0)); }

static int try_ptrace(void) {
    pid_t pid = (pid_t)atoi(param("pid"));
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0) return errno;
    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
    waitpid(pid, NULL, __WALL);
    return done(ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

static int try_peek(void) {
    char byte;
    struct iovec here = { &byte, 1 }, there = { (void *)param, 1 };
    /* Our own code lies elsewhere in another process: what counts is whether we may look at all. */
    long got = syscall(SYS_process_vm_readv, (pid_t)atoi(param("pid")), &here, 1, &there, 1, 0);
    return got < 0 && errno != EFAULT ? errno : 0;
}

static int try_memory(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/mem", param("pid"));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error = done(fd);
    if (fd >= 0) close(fd);
    return error;
}

static int try_fork(void) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    if (pid > 0) waitpid(pid, NULL, 0);
    return done(pid);
}

/* A thousand sleeping children: how many could be made is what `bomb` answers. */
static int bomb(void) {
    int count = 0;
    while (count < 1000) {
        pid_t pid = fork();
        if (pid == 0) {
            pause();
            _exit(0);
        }
        if (pid < 0) break;
        count++;
    }
    return count;
}

static int try_exec(void) {
    volatile int error = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        execl("/bin/true", "true", (char *)NULL);
        error = errno; /* in the memory that is the parent's too */
        _exit(1);
    }
    if (pid < 0) error = errno;
    else waitpid(pid, NULL, 0);
    return error;
}

/* In our own place: it works only if programs may be started, and then it is over. */
static int try_exec_here(void) { return done(execl("/bin/true", "true", (char *)NULL)); }

static void *sleep_on(void *unused) {
    (void)unused;
    pause();
    return NULL;
}

static int threads(void) {
    int count = 0;
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    while (count < 2000 && pthread_create(&thread, &small, sleep_on, NULL) == 0) count++;
    return count;
}

/* In a mount namespace of this thread's own, so that nobody else is met if it works. */
static void *mount_apart(void *error) {
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) *(int *)error = errno;
    else *(int *)error = done(mount("none", "/tmp", "tmpfs", 0, NULL));
    return NULL;
}

static int try_mount(void) {
    int error = EAGAIN;
    pthread_t thread;
    if (pthread_create(&thread, NULL, mount_apart, &error) == 0) pthread_join(thread, NULL);
    return error;
}

static int try_unshare(void) { return done(syscall(SYS_unshare, CLONE_NEWUTS)); }
static int try_userns(void) { return done(syscall(SYS_unshare, CLONE_NEWUSER)); }
static int try_keyctl(void) { return done(syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -3 /* session */, 0, 0, 0)); }
static int try_root(void) { return done(setresuid(0, 0, 0)); }
static int try_clone3(void) { return done(syscall(SYS_clone3, NULL, 0)); }

static int try_uring(void) {
    struct io_uring_params params;
    memset(&params, 0, sizeof params);
    long fd = syscall(SYS_io_uring_setup, 1, &params);
    if (fd >= 0) close((int)fd);
    return done(fd);
}

static int try_bpf(void) { return done(syscall(SYS_bpf, 0, NULL, 0)); }
static int try_userfault(void) {
    long fd = syscall(SYS_userfaultfd, O_CLOEXEC);
    if (fd >= 0) close((int)fd);
    return done(fd);
}

static int try_type(void) {
    char key = 'x';
    return done(ioctl(0, TIOCSTI, &key));
}

static int try_code(void) {
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return errno;
    munmap(memory, 4096);
    return 0;
}

static int try_limits(void) {
    struct rlimit limit = { 0, 0 };
    if (prlimit(getppid(), RLIMIT_NPROC, NULL, &limit) != 0) return errno;
    return done(prlimit(getppid(), RLIMIT_NPROC, &limit, NULL));
}

static int try_hostname(void) {
    char name[65] = "";
    if (gethostname(name, sizeof name) != 0) return errno;
    return done(sethostname(name, strlen(name)));
}

/* A grandchild with a session of its own, which its parents leave; it writes a file after a while. */
static int try_daemon(void) {
    pid_t pid = fork();
    if (pid < 0) return errno;
    if (pid == 0) {
        setsid();
        if (fork() == 0) {
            for (;;) pause();
        }
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    return 0;
}

/* Not connected for good: it can send to any socket by its path. */
static int try_pair(void) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) return errno;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static int try_raw_pair(void) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_RAW | SOCK_NONBLOCK, 0, ends) != 0) return errno;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static int try_stream_pair(void) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return errno;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* In memory: nothing is left of it. */
static int try_set_user(void) {
    int fd = memfd_create("set-user", MFD_CLOEXEC);
    if (fd < 0) return errno;
    int error = done(fchmod(fd, 04755));
    close(fd);
    return error;
}

static int try_new_file(mode_t mode, mode_t then) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/spindle-mode-%d", (int)getpid());
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
    if (fd < 0) return errno;
    unlink(path);
    int error = done(fchmod(fd, then));
    close(fd);
    return error;
}

static int try_set_group_new(void) { return try_new_file(02755, 0600); }
/* Modes that give nobody anything stay. */
static int try_mode(void) { return try_new_file(0600, 01755); }

static int try_eat(void) {
    for (int i = 0; i < 4096; i++) {
        char *part = malloc(1 << 20);
        if (part == NULL) return errno;
        memset(part, i, 1 << 20);
    }
    return 0;
}

static const struct {
    const char *name;
    int (*body)(void);
} tries[] = {
    { "read", try_read }, { "list", try_list }, { "write", try_write }, { "fill", try_fill }, { "tcp", try_tcp },
    { "udp", try_udp }, { "raw", try_raw }, { "name", try_name }, { "abstract", try_abstract }, { "signal", try_signal },
    { "parent", try_parent }, { "ptrace", try_ptrace }, { "peek", try_peek }, { "memory", try_memory }, { "fork", try_fork },
    { "exec", try_exec }, { "exec-here", try_exec_here }, { "mount", try_mount }, { "unshare", try_unshare },
    { "userns", try_userns }, { "keyctl", try_keyctl }, { "root", try_root }, { "clone3", try_clone3 }, { "io_uring", try_uring },
    { "bpf", try_bpf }, { "userfaultfd", try_userfault }, { "tiocsti", try_type }, { "code", try_code }, { "limits", try_limits },
    { "hostname", try_hostname }, { "daemon", try_daemon }, { "eat", try_eat }, { "pair", try_pair },
    { "raw-pair", try_raw_pair }, { "stream-pair", try_stream_pair }, { "set-user", try_set_user },
    { "set-group-new", try_set_group_new }, { "mode", try_mode },
};

static spindle_status execute(void *instance, spindle_handle attempt, const spindle_request *r) {
    char text[128] = "no such try";
    (void)instance;
    (void)attempt;
    request = r;
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        if (!spindle_str_is(r->target, tries[i].name)) continue;
        int error = tries[i].body();
        snprintf(text, sizeof text, "%s", error == 0 ? "reached" : strerrorname_np(error) ? strerrorname_np(error) : "unknown");
    }
    if (spindle_str_is(r->target, "bomb")) snprintf(text, sizeof text, "%d", bomb());
    if (spindle_str_is(r->target, "threads")) snprintf(text, sizeof text, "%d", threads());
    if (spindle_str_is(r->target, "ids")) snprintf(text, sizeof text, "%d %d %d", (int)getuid(), (int)geteuid(), getgroups(0, NULL));
    return spindle_succeed(r, spindle_str_make(text, strlen(text)), "text/plain");
}

static const char *const needs[] = { "exec", "jit", "net:*", "fs:read:*", "fs:write:*" };
static const spindle_executor_descriptor escape = {
    .struct_size = sizeof escape, .type = "escape", .execute = execute, .needs = needs,
    .need_count = sizeof needs / sizeof needs[0] };
static const spindle_executor_descriptor *const executors[] = { &escape };
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory, .abi_minor = SPINDLE_ABI_MINOR, .executor_count = 1, .executors = executors,
    .plugin_id = "com.example.escape", .plugin_version = "1.0.0" };
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
