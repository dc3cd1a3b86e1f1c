/* Crashes when its attempt is over. */
#include "zoo.h"

static void release(ZOO_UNUSED void *instance, ZOO_UNUSED spindle_handle attempt, ZOO_UNUSED void *state) {
    /* The host has the result by then. */
    zoo_pause(200);
    abort();
}

ZOO_RUN { return zoo_succeed(request); }
ZOO("bad-release", .release = release)
