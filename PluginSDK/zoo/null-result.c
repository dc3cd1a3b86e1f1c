/* Completes with NULL. */
#include "zoo.h"

ZOO_RUN {
    zoo_complete(request, NULL);
    return SPINDLE_OK;
}
ZOO("null-result")
