/* Says that it will complete later, though it is not asynchronous. */
#include "zoo.h"

ZOO_RUN { return SPINDLE_PENDING; }
ZOO("pending-blocking")
