/* Its constructor calls `exit(0)`. */
#include "zoo.h"

__attribute__((constructor)) static void begin(void) { exit(0); }

ZOO_RUN { return zoo_succeed(request); }
ZOO("constructor-exit")
