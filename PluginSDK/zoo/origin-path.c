/* Needs a library that only `$ORIGIN` finds (linked with -rpath '$ORIGIN' and a library beside it). */
#include "zoo.h"

extern int beside(void);

ZOO_RUN { return beside() == 1 ? zoo_succeed(request) : zoo_fail(request, "zoo.library"); }
ZOO("origin-path")
