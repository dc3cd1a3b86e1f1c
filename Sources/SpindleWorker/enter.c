/* The runner's way into the sandbox: in the order in which each step still has the rights that it needs. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sandbox.h"

/* Our number in the host's eyes: /proc of the host's says it as ours. */
static long number_outside(const sandbox *box) {
    char text[32];
    if (box->old_proc < 0) return getpid();
    ssize_t length = readlinkat(box->old_proc, "self", text, sizeof text - 1);
    text[length < 0 ? 0 : length] = 0;
    return strtol(text, NULL, 10);
}

int sandbox_enter(sandbox *box) {
    int number = (int)number_outside(box);
    if (box->old_proc >= 0) close(box->old_proc);
    if (box->link >= 0) close(box->link);
    int done = (!sandbox_has(box, SPW_LAYER_CGROUP) || cgroup_join(box));
    /* So that it does not read where it is; nothing depends on it. */
    if (done && sandbox_has(box, SPW_LAYER_CGROUP)) (void)unshare(CLONE_NEWCGROUP);
    done = done && (!sandbox_has(box, SPW_LAYER_LIMITS) || limits_set(box)) && drop_user(box) && drop_privileges(box)
        && (!sandbox_has(box, SPW_LAYER_LANDLOCK) || landlock_restrict(box))
        && (!sandbox_has(box, SPW_LAYER_SECCOMP) || seccomp_install(box));
    if (!done) return 0;
    /* Another user, and the kernel forgets it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return sandbox_refuse(box, "PID namespace", "PR_SET_PDEATHSIG");
    if (sandbox_has(box, SPW_LAYER_TEST) && !selftest_run(box)) return 0;
    errno = 0;
    return number > 0 ? number : sandbox_refuse(box, "PID namespace", "its own number is not known");
}
