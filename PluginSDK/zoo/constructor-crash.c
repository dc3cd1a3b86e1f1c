/* Its constructor crashes. */
#include "zoo.h"

/* A compiler that sees NULL here may leave the constructor out. */
static volatile int *volatile nowhere;

__attribute__((constructor)) static void begin(void) { *nowhere = 1; }

ZOO_RUN { return zoo_succeed(request); }
ZOO("constructor-crash")
