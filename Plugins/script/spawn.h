/* Starting a program. */
#ifndef SCRIPT_SPAWN_H
#define SCRIPT_SPAWN_H

#include "plan.h"

#include <sys/types.h>

struct spawn_order {
    const char *program;
    char *const *arguments;
    char *const *environment;
    int directory;  /* open; where it starts */
    bool has_input; /* else stdin is /dev/null */
    const struct secret_file *secrets; /* stay open in the program */
    size_t secret_count;
    int report;     /* stays open in the program too; -1 = none */
    const struct user *user;
    const struct limits *limits;
};

struct spawned {
    pid_t pid;  /* also its session and process group */
    int pidfd;  /* -1: the kernel has none */
    int input;  /* our ends, not blocking; -1 = none */
    int output;
    int errors;
};

/* Call it only from the thread that lives as long as the children may: the kernel kills them when it ends. -1: nothing was
 * started, `problem` says why. */
int spawn(const struct spawn_order *order, struct spawned *spawned, struct problem *problem);

/* Both ends above 2 and closed by exec. -1: errno says why. */
int make_pipe(int fds[2]);

#endif
