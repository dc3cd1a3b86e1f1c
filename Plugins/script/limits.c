#include "limits.h"

#include <errno.h>
#include <sys/resource.h>

#define HUGE_BYTES (INT64_C(1) << 50)

/* Less than the least would keep the program from starting, which nobody means. */
const struct limit_form limit_forms[LIMIT_COUNT] = {
    [LIMIT_CPU] = { "maxCpuSeconds", "MaxCpuSeconds", RLIMIT_CPU, 1, 31536000 },
    [LIMIT_MEMORY] = { "maxMemoryBytes", "MaxMemoryBytes", RLIMIT_AS, 8388608, HUGE_BYTES },
    [LIMIT_FILE] = { "maxFileBytes", "MaxFileBytes", RLIMIT_FSIZE, 0, HUGE_BYTES },
    [LIMIT_OPEN_FILES] = { "maxOpenFiles", "MaxOpenFiles", RLIMIT_NOFILE, 8, 1048576 },
    [LIMIT_PROCESSES] = { "maxProcesses", "MaxProcesses", RLIMIT_NPROC, 1, 1000000 },
};

void limits_none(struct limits *limits) {
    int i;
    for (i = 0; i < LIMIT_COUNT; i++) limits->value[i] = -1;
}

int limits_apply(const struct limits *limits) {
    int i;
    for (i = 0; i < LIMIT_COUNT; i++) {
        struct rlimit now;
        rlim_t wanted;
        if (limits->value[i] < 0) continue;
        if (getrlimit((__rlimit_resource_t)limit_forms[i].resource, &now) != 0) return errno;
        wanted = (rlim_t)limits->value[i];
        /* SIGXCPU first, which a program may answer by tidying up; one second later SIGKILL. */
        if (i == LIMIT_CPU && wanted + 1 < now.rlim_max) now.rlim_max = wanted + 1;
        if (i != LIMIT_CPU && wanted < now.rlim_max) now.rlim_max = wanted;
        if (wanted < now.rlim_cur) now.rlim_cur = wanted;
        if (setrlimit((__rlimit_resource_t)limit_forms[i].resource, &now) != 0) return errno;
    }
    return 0;
}
