/* Calls a function that no library has. */
#include "zoo.h"

extern void nowhere(void);

__attribute__((constructor)) static void begin(void) { nowhere(); }

ZOO_RUN { return zoo_succeed(request); }
ZOO("undefined-import")
