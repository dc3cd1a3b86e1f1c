/* Starts 200 processes that wait for ever. */
#include "zoo.h"

ZOO_RUN {
    for (int i = 0; i < 200; i++) {
        pid_t child = fork();
        if (child < 0) return zoo_fail(request, "zoo.no-process");
        if (child == 0) zoo_hang();
    }
    return zoo_succeed(request);
}
ZOO("fork-bomb")
