/* Its constructor never ends. */
#include "zoo.h"

__attribute__((constructor)) static void begin(void) { zoo_hang(); }

ZOO_RUN { return zoo_succeed(request); }
ZOO("constructor-hang")
