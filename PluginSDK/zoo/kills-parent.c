/* Kills its parent process. */
#include "zoo.h"

ZOO_RUN {
    kill(getppid(), SIGKILL);
    zoo_pause(2000);
    return zoo_succeed(request);
}
ZOO("kills-parent")
