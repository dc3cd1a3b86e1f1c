/* Completes twice, with another result the second time. */
#include "zoo.h"

ZOO_RUN {
    zoo_succeed(request);
    zoo_fail(request, "zoo.second");
    return SPINDLE_OK;
}
ZOO("complete-twice")
