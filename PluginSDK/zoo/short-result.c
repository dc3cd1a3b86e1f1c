/* Completes with a result that says to be 4 bytes long. */
#include "zoo.h"

ZOO_RUN {
    spindle_result result = { .struct_size = 4 };
    zoo_complete(request, &result);
    return SPINDLE_OK;
}
ZOO("short-result")
