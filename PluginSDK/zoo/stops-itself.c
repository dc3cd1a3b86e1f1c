/* Stops its own process. */
#include "zoo.h"

ZOO_RUN {
    kill(getpid(), SIGSTOP);
    zoo_hang();
    return zoo_succeed(request);
}
ZOO("stops-itself")
