/* The schema of its parameters is 256 levels deep. */
#include "zoo.h"

#define X4(text) text text text text
#define X256(text) X4(X4(X4(X4(text))))

ZOO_RUN { return zoo_succeed(request); }
ZOO("deep-schema", .parameters_schema = X256("{\"not\":") "{}" X256("}"))
