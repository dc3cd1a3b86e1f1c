/* Crashes when its attempt is over. */
#include "zoo.h"

static void release(ZOO_UNUSED void *instance, ZOO_UNUSED spindle_handle attempt, ZOO_UNUSED void *state) {
    /* The host has the result by then, also if the machine is slow. */
    zoo_pause(2000);
    abort();
}

ZOO_RUN { return zoo_succeed(request); }
ZOO("bad-release", .release = release)
