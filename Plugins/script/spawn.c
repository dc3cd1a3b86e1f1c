#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum stage { STAGE_SESSION, STAGE_USER, STAGE_LIMITS, STAGE_DIRECTORY, STAGE_DESCRIPTORS, STAGE_EXEC };

/* What the child says when it cannot become the program; nothing if it can. */
struct refusal {
    int stage;
    int error;
};

struct child {
    const struct spawn_order *order;
    pid_t parent;
    int input, output, errors; /* its ends */
    int refusal;
};

static _Noreturn void give_up(const struct child *c, enum stage stage, int error) {
    struct refusal refusal = { (int)stage, error };
    (void)!write(c->refusal, &refusal, sizeof refusal);
    _exit(127);
}

/* From here to exec only system calls: after vfork the memory is the parent's, after fork its locks may be held. */
static _Noreturn void become(const struct child *c) {
    struct sigaction plain;
    struct rlimit files;
    sigset_t none;
    int number, error;
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    /* exec keeps ignored signals (SIGPIPE!); and no handler of the host's may run in between. */
    for (number = 1; number < NSIG; number++) (void)sigaction(number, &plain, NULL);
    if (setsid() < 0) give_up(c, STAGE_SESSION, errno);
    error = c->order->user->other ? user_become(c->order->user) : 0;
    if (error != 0) give_up(c, STAGE_USER, error);
    /* If the process that hosts us dies without a word, the program shall not go on alone. A change of user forgets it. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != c->parent) _exit(127);
    if (fchdir(c->order->directory) != 0) give_up(c, STAGE_DIRECTORY, errno);
    if (dup2(c->input, 0) < 0 || dup2(c->output, 1) < 0 || dup2(c->errors, 2) < 0) {
        give_up(c, STAGE_DESCRIPTORS, errno);
    }
    /* Marked, not closed: the pipe for a refusal is still needed, and exec closes it. */
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
        rlim_t last = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 1048576 ? files.rlim_cur : 1048576;
        for (number = 3; (rlim_t)number < last; number++) (void)fcntl(number, F_SETFD, FD_CLOEXEC);
    }
    for (number = 0; (size_t)number < c->order->secret_count; number++) {
        (void)fcntl(c->order->secrets[number].fd, F_SETFD, 0);
    }
    if (c->order->report >= 0) (void)fcntl(c->order->report, F_SETFD, 0);
    /* After the change of user, whose processes the kernel counts, and after all that needs files. */
    error = limits_apply(c->order->limits);
    if (error != 0) give_up(c, STAGE_LIMITS, error);
    (void)umask(077);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(c->order->program, c->order->arguments, c->order->environment);
    give_up(c, STAGE_EXEC, errno);
}

/* vfork: the parent's page tables are not copied, and only this thread waits until exec. All signals are blocked, so that
 * no handler runs in the child while it shares our memory. */
__attribute__((noinline)) static pid_t start(const struct child *c) {
    sigset_t all, before;
    pid_t pid;
    int error, dumpable = prctl(PR_GET_DUMPABLE);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = vfork();
    if (pid == 0) become(c);
    error = errno;
    /* A change of user keeps others from looking into the memory, which until exec was ours; of that exec rid the child alone. */
    if (c->order->user->other && dumpable >= 0) (void)prctl(PR_SET_DUMPABLE, dumpable);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

static void close_all(int *fds, size_t count) {
    size_t i;
    for (i = 0; i < count; i++) {
        if (fds[i] >= 0) (void)close(fds[i]);
        fds[i] = -1;
    }
}

/* A number above 2, so that dup2 in the child cannot destroy another end; a host may have closed its own 0, 1 or 2. */
static int raise_number(int fd) {
    int higher;
    if (fd < 0 || fd > 2) return fd;
    higher = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    (void)close(fd);
    return higher;
}

int make_pipe(int fds[2]) {
    if (pipe2(fds, O_CLOEXEC) != 0) {
        fds[0] = fds[1] = -1;
        return -1;
    }
    fds[0] = raise_number(fds[0]);
    fds[1] = raise_number(fds[1]);
    return fds[0] >= 0 && fds[1] >= 0 ? 0 : -1;
}

static void no_block(int fd) { (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

static int failed(struct problem *problem, const char *program, struct refusal refusal) {
    const char *name = strerror(refusal.error);
    int error = refusal.error;
    if (refusal.stage == STAGE_USER || refusal.stage == STAGE_LIMITS) {
        return problem_set(problem, refusal.stage == STAGE_USER ? "script.user" : "script.limits", NULL,
                           "%.*s was not started, because %s: %s", shown(strlen(program)), program,
                           refusal.stage == STAGE_USER ? "the worker may not become the configured user"
                                                      : "its limits cannot be set", name);
    }
    if (refusal.stage == STAGE_DIRECTORY && (error == EACCES || error == EPERM)) {
        return problem_set(problem, "script.workdir", NULL, "%.*s was not started: its user may not enter the working directory: %s",
                           shown(strlen(program)), program, name);
    }
    if (refusal.stage != STAGE_EXEC) {
        (void)problem_set(problem, "script.spawn", NULL, "%.*s was not started: %s", shown(strlen(program)), program, name);
        problem->outcome = SPINDLE_RETRYABLE;
        return -1;
    }
    if (error == EPERM) {
        return problem_set(problem, "script.denied", NULL, "%.*s cannot be run: %s; a sandbox starts programs only with "
                           "needs: {exec: true} in its sidecar", shown(strlen(program)), program, name);
    }
    (void)problem_set(problem, "script.exec", NULL, "%.*s cannot be run: %s%s", shown(strlen(program)), program, name,
                      error == ENOENT    ? "; the interpreter in its first line is missing"
                      : error == ENOEXEC ? "; it is neither a program nor a script with #! in its first line"
                      : error == E2BIG   ? "; its arguments and environment are too large: send them as the payload"
                      : error == ETXTBSY ? "; it is being written just now"
                                         : "");
    if (error == ETXTBSY || error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE || error == EIO) {
        problem->outcome = SPINDLE_RETRYABLE;
    }
    return -1;
}

/* Its user may open its own ends again by name, such as /dev/stderr. */
static void give_to(const struct user *user, int fd) {
    if (user->other && fd >= 0) (void)fchown(fd, user->uid, user->gid);
}

/* Waits until the program runs or has said why not; with vfork it is decided already. */
static bool failed_to_start(int fd, struct refusal *refusal) {
    ssize_t got;
    do {
        got = read(fd, refusal, sizeof *refusal);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *refusal;
}

int spawn(const struct spawn_order *order, struct spawned *spawned, struct problem *problem) {
    enum { IN_CHILD, IN_OURS, OUT_OURS, OUT_CHILD, ERR_OURS, ERR_CHILD, REFUSAL_OURS, REFUSAL_CHILD, COUNT };
    int fds[COUNT] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    struct child child = { .order = order, .parent = getpid() };
    struct refusal refusal = { STAGE_SESSION, 0 };
    bool ready = make_pipe(&fds[OUT_OURS]) == 0 && make_pipe(&fds[ERR_OURS]) == 0 && make_pipe(&fds[REFUSAL_OURS]) == 0;
    if (ready && order->has_input) ready = make_pipe(&fds[IN_CHILD]) == 0;
    if (ready && !order->has_input) {
        fds[IN_CHILD] = raise_number(open("/dev/null", O_RDONLY | O_CLOEXEC));
        ready = fds[IN_CHILD] >= 0;
    }
    spawned->pid = -1;
    if (ready) {
        child.input = fds[IN_CHILD];
        child.output = fds[OUT_CHILD];
        child.errors = fds[ERR_CHILD];
        child.refusal = fds[REFUSAL_CHILD];
        if (order->has_input) give_to(order->user, child.input); /* not /dev/null */
        give_to(order->user, child.output);
        give_to(order->user, child.errors);
        give_to(order->user, order->report);
        spawned->pid = start(&child);
    }
    if (spawned->pid < 0) {
        refusal.error = errno;
        close_all(fds, COUNT);
        /* A sandbox without the grant refuses the new process itself. */
        if (ready && refusal.error == EPERM) refusal.stage = STAGE_EXEC;
        return failed(problem, order->program, refusal);
    }
    close_all(&fds[IN_CHILD], 1);
    close_all(&fds[OUT_CHILD], 1);
    close_all(&fds[ERR_CHILD], 1);
    close_all(&fds[REFUSAL_CHILD], 1);
    if (failed_to_start(fds[REFUSAL_OURS], &refusal)) {
        while (waitpid(spawned->pid, NULL, 0) < 0 && errno == EINTR) continue;
        close_all(fds, COUNT);
        return failed(problem, order->program, refusal);
    }
    close_all(&fds[REFUSAL_OURS], 1);
#ifdef SCRIPT_WITHOUT_PIDFD
    spawned->pidfd = -1;
#else
    /* Good for exactly this process, because nobody but us reaps it. The kernel sets FD_CLOEXEC. */
    spawned->pidfd = (int)syscall(SYS_pidfd_open, spawned->pid, 0);
#endif
    spawned->input = fds[IN_OURS];
    spawned->output = fds[OUT_OURS];
    spawned->errors = fds[ERR_OURS];
    if (spawned->input >= 0) no_block(spawned->input);
    no_block(spawned->output);
    no_block(spawned->errors);
    return 0;
}
