/* Fails with a code that is the host's own. */
#include "zoo.h"

ZOO_RUN { return spindle_fail(request, SPINDLE_PERMANENT, "spindle.worker.crashed", "as if"); }
ZOO("forged-code")
