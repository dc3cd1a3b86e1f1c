/* The init process of a worker: one thread that never runs a plugin's code. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct init {
    pid_t runner;
    int runner_gone;
    int host_gone;
    int nobody_left;
    spw_input input;
    spw_buffer output;
} init;

static uint64_t microseconds(struct timeval time) { return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec; }

static void tell(init *init, uint16_t type, const void *message, int must) {
    /* A plugin that starts a million programs must not fill our memory while the host looks elsewhere. */
    if (init->host_gone || (!must && init->output.length > 64 * 1024)) return;
    if (spw_encode(&init->output, type, 0, 0, message) != SPW_OK) return;
    int status = spw_write(SPW_FD_CONTROL, &init->output, 1);
    if (status == SPW_CLOSED || status == SPW_E_IO) init->host_gone = 1;
}

static void reap(init *init) {
    for (;;) {
        int status;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG, &usage);
        if (pid < 0 && errno == EINTR) continue;
        if (pid < 0) init->nobody_left = 1;
        if (pid <= 0) return;
        const spw_exited exited = {
            .pid = (uint32_t)pid,
            .is_runner = pid == init->runner,
            .wait_status = (uint32_t)status,
            .user_us = microseconds(usage.ru_utime),
            .system_us = microseconds(usage.ru_stime),
            .max_rss_kib = (uint64_t)usage.ru_maxrss,
        };
        if (pid == init->runner) init->runner_gone = 1;
        tell(init, SPW_EXITED, &exited, pid == init->runner);
    }
}

static void obey(init *init) {
    int drained;
    int status = spw_input_fill(&init->input, SPW_FD_CONTROL, &drained);
    spw_frame frame;
    while (status == SPW_OK && (status = spw_input_next(&init->input, &frame)) == SPW_OK) {
        spw_kill order;
        spw_arena arena = { 0 };
        int known = frame.type == SPW_KILL && spw_decode(&frame, &order, sizeof order, &arena) == SPW_OK;
        spw_arena_free(&arena);
        if (known && (order.signal == SIGTERM || order.signal == SIGKILL)) signal_descendants((int)order.signal);
        else status = SPW_E_MALFORMED;
    }
    /* A host that closed its end is gone, one that talks nonsense is not ours: both end everything. */
    if (status != SPW_MORE) init->host_gone = 1;
}

/* Waits for something to do; `ending` bounds the wait, because a process may have been made while we looked. */
static void wait_for_news(init *init, int signals, int ending) {
    struct pollfd fds[2] = {
        { .fd = signals, .events = POLLIN },
        { .fd = init->host_gone ? -1 : SPW_FD_CONTROL,
          .events = (short)(POLLIN | (init->output.length > 0 ? POLLOUT : 0)) },
    };
    if (poll(fds, 2, ending ? 10 : -1) < 0) return;
    if ((fds[0].revents & POLLIN) != 0) {
        struct signalfd_siginfo ignored[8];
        ssize_t got = read(signals, ignored, sizeof ignored); /* only to empty it: wait4 says what happened */
        (void)got;
    }
    if ((fds[1].revents & POLLOUT) != 0 && spw_write(SPW_FD_CONTROL, &init->output, 1) < 0) init->host_gone = 1;
    if ((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) obey(init);
}

/* What the runner has to say before it is one. */
static void enter(int end, sandbox *box, int told) {
    int number = sandbox_enter(box);
    if (number == 0) {
        sandbox_report("spindle.sandbox", box->why);
        _exit(0);
    }
    if (sandbox_has(box, SPW_LAYER_TRY)) {
        char message[64];
        snprintf(message, sizeof message, "Landlock %d", landlock_version());
        sandbox_report("spindle.tried", message);
        _exit(0);
    }
    const uint32_t word = (uint32_t)number;
    if (write(told, &word, sizeof word) != sizeof word) _exit(65);
    /* Whatever was needed on the way here. */
    if (syscall(SYS_close_range, end, ~0u, 0) != 0) _exit(65);
    runner_main(number);
}

static pid_t start_runner(int end, sandbox *box, int told) {
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        close(SPW_FD_CONTROL);
        /* init may have died before this call. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != self) _exit(65);
        if (box != NULL) enter(end, box, told);
        runner_main(getpid());
    }
    for (int fd = SPW_FD_RUNNER; fd < end; fd++) close(fd);
    return pid;
}

/* The runner's number as the host knows it; it says it when it has entered, or has ended by then. */
static uint32_t number_of_runner(const init *init, sandbox *box, int told[2]) {
    uint32_t number = (uint32_t)init->runner;
    if (box == NULL) return number;
    close(told[1]);
    if (box->old_proc >= 0) close(box->old_proc);
    if (read(told[0], &number, sizeof number) != sizeof number) number = 0;
    close(told[0]);
    return number;
}

int init_main(int end, sandbox *box) {
    init init = { 0 };
    int told[2] = { -1, -1 };
    sigset_t all;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "spindle-init");
    (void)setsid(); /* a Ctrl-C is for the host; fails harmlessly if the host did it */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (box != NULL && pipe2(told, O_CLOEXEC) != 0) return 64;
    init.runner = start_runner(end, box, told[1]);
    int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (init.runner < 0 || signals < 0 || fcntl(SPW_FD_CONTROL, F_SETFL, O_NONBLOCK) != 0) {
        perror("spindle-worker: the runner could not be started");
        signal_descendants(SIGKILL);
        return 64;
    }
    const spw_spawned spawned = { number_of_runner(&init, box, told) };
    if (box != NULL && sandbox_has(box, SPW_LAYER_CAPS) && !drop_init(box)) signal_descendants(SIGKILL);
    tell(&init, SPW_SPAWNED, &spawned, 1);
    while (reap(&init), !init.nobody_left) {
        int ending = init.runner_gone || init.host_gone;
        if (ending) signal_descendants(SIGKILL);
        wait_for_news(&init, signals, ending);
    }
    /* The last words; the end of the stream tells the host that nothing is left. */
    while (init.output.length > 0 && !init.host_gone && spw_write(SPW_FD_CONTROL, &init.output, 0) == SPW_MORE) {
        struct pollfd fd = { .fd = SPW_FD_CONTROL, .events = POLLOUT };
        poll(&fd, 1, -1);
    }
    spw_buffer_free(&init.output);
    spw_input_free(&init.input);
    return 0;
}
