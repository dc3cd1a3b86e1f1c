/* Leaves a process behind with a session of its own and no parent. */
#include <sys/wait.h>

#include "zoo.h"

ZOO_RUN {
    pid_t child = fork();
    if (child < 0) return zoo_fail(request, "zoo.no-process");
    if (child == 0) {
        setsid();
        if (fork() == 0) zoo_hang();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return zoo_succeed(request);
}
ZOO("daemon")
