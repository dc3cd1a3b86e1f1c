/* The schema of its parameters is 65,536 levels deep. */
#include "zoo.h"

#define X4(text) text text text text
#define X64(text) X4(X4(X4(text)))
#define X64K(text) X4(X4(X64(X64(text))))

ZOO_RUN { return zoo_succeed(request); }
ZOO("deep-schema", .parameters_schema = X64K("{\"not\":") "{}" X64K("}"))
