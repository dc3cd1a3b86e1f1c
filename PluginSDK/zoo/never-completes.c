/* Says that it will complete later, and never does. */
#include "zoo.h"

ZOO_RUN { return SPINDLE_PENDING; }
ZOO("never-completes", .flags = SPINDLE_EXECUTOR_ASYNC | SPINDLE_EXECUTOR_CONCURRENT)
