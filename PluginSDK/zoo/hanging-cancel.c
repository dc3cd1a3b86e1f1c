/* Hangs when it is asked to end. */
#include "zoo.h"

static void cancel(ZOO_UNUSED void *instance, ZOO_UNUSED spindle_handle attempt, ZOO_UNUSED void *state,
                   ZOO_UNUSED int32_t reason, ZOO_UNUSED int64_t grace_ms) {
    zoo_hang();
}

ZOO_RUN {
    zoo_hang();
    return zoo_succeed(request);
}
ZOO("hanging-cancel", .cancel = cancel)
