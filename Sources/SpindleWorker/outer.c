/* The outer process of a sandbox: see sandbox.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "sandbox.h"

static sandbox box = { .old_proc = -1, .link = -1 };

static void fail(void) __attribute__((noreturn));
static void fail(void) {
    sandbox_report("spindle.sandbox", box.why);
    _exit(0);
}

/* Init: from here on as the host's user with all its rights, until all is made. */
static void become_init(int end) __attribute__((noreturn));
static void become_init(int end) {
    char byte;
    /* The outer may have died before this call: its end of the link is closed then. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) _exit(65);
    if (recv(box.link, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) _exit(65);
    if (!namespaces_enter(&box) || (box.setup.relays.count > 0 && !relay_listen(&box))
        || (sandbox_has(&box, SPW_LAYER_MOUNT) && !mounts_make(&box))) {
        fail();
    }
    _exit(init_main(end, &box));
}

static void wait_for(pid_t pid) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

int outer_main(int end) {
    int link[2];
    sigset_t all, child;
    prctl(PR_SET_NAME, "spindle-outer", 0, 0, 0);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (!setup_read(&box)) fail();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) != 0) {
        sandbox_refuse(&box, "set-up", "socketpair");
        fail();
    }
    /* The groups are made with the host's rights, before a user namespace takes them. */
    if (sandbox_has(&box, SPW_LAYER_CGROUP) && !cgroup_make(&box)) {
        cgroup_remove(&box);
        fail();
    }
    int made = (!sandbox_has(&box, SPW_LAYER_USER) || namespaces_user(&box))
            && (!sandbox_has(&box, SPW_LAYER_PID) || unshare(CLONE_NEWPID) == 0
                || sandbox_refuse(&box, "PID namespace", "unshare"));
    pid_t init = made ? fork() : -1;
    if (init == 0) {
        close(link[0]);
        box.link = link[1];
        become_init(end);
    }
    close(link[1]);
    box.link = link[0];
    if (init < 0) {
        if (made) sandbox_refuse(&box, "set-up", "fork");
        if (sandbox_has(&box, SPW_LAYER_CGROUP)) cgroup_remove(&box);
        fail();
    }
    /* The control socket stays open until all is cleaned up: its end tells the host that nothing is left. */
    for (int fd = SPW_FD_RUNNER; fd < end; fd++) close(fd);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int ended = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (box.setup.relays.count > 0 && ended >= 0 && relay_take(&box)) relay_run(&box, ended);
    wait_for(init);
    if (sandbox_has(&box, SPW_LAYER_CGROUP)) cgroup_remove(&box);
    return 0;
}
