/* What one program may use of the machine: limits of the kernel, for each process of it. */
#ifndef SCRIPT_LIMITS_H
#define SCRIPT_LIMITS_H

#include "text.h"

enum limit { LIMIT_CPU, LIMIT_MEMORY, LIMIT_FILE, LIMIT_OPEN_FILES, LIMIT_PROCESSES, LIMIT_COUNT };

struct limit_form {
    const char *key;       /* in the configuration */
    const char *parameter; /* of a job, which may only lower it */
    int resource;          /* RLIMIT_… */
    int64_t least, most;
};
extern const struct limit_form limit_forms[LIMIT_COUNT];

struct limits {
    int64_t value[LIMIT_COUNT]; /* -1: what the worker itself has */
};
void limits_none(struct limits *limits);

/* For the calling process; never above what it has. Only system calls: it is called between vfork and exec. 0 or errno. */
int limits_apply(const struct limits *limits);

#endif
