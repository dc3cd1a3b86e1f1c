/* Says that it succeeded, but after its time was over. */
#include "zoo.h"

ZOO_RUN {
    while (spindle_cancel_state(request) == SPINDLE_CANCEL_NONE) zoo_pause(10);
    zoo_pause(300);
    return zoo_succeed(request);
}
ZOO("complete-late")
