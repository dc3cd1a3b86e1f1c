/* Completes with an outcome that does not exist. */
#include "zoo.h"

ZOO_RUN {
    spindle_result result = { .struct_size = sizeof result, .outcome = 77, .retry_after_ms = -1 };
    zoo_complete(request, &result);
    return SPINDLE_OK;
}
ZOO("unknown-outcome")
