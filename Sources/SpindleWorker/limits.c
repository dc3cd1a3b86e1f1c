/* rlimits: what a control group does not count, and what stands in for one. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "sandbox.h"

static int lower(int resource, uint64_t value) {
    struct rlimit now;
    if (getrlimit(resource, &now) != 0) return 0;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > value) now.rlim_max = value;
    now.rlim_cur = now.rlim_max;
    return setrlimit(resource, &now) == 0;
}

int limits_set(sandbox *box) {
    const spw_setup *setup = &box->setup;
    int done = lower(RLIMIT_CORE, 0) && lower(RLIMIT_MEMLOCK, 64 * 1024) && lower(RLIMIT_MSGQUEUE, 0);
    if (done && setup->files > 0) done = lower(RLIMIT_NOFILE, setup->files);
    if (done && setup->file_size > 0) {
        signal(SIGXFSZ, SIG_IGN); /* a write that is too long is an error, not the end of everybody's attempts */
        done = lower(RLIMIT_FSIZE, setup->file_size);
    }
    if (done && setup->cpu_seconds > 0) done = lower(RLIMIT_CPU, setup->cpu_seconds);
    if (done && setup->memory > 0 && !cgroup_limits(box, "memory")) done = lower(RLIMIT_DATA, setup->memory);
    if (done && setup->pids > 0 && !cgroup_limits(box, "pids")) done = lower(RLIMIT_NPROC, setup->pids);
    return done ? 1 : sandbox_refuse(box, "limits", "setrlimit");
}
