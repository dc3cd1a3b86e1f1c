/* Has a destructor that crashes. */
#include "zoo.h"

__attribute__((destructor)) static void end(void) { abort(); }

ZOO_RUN { return zoo_succeed(request); }
ZOO("bad-destructor")
