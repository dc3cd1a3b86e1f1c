/* The schema of its parameters has 16 MiB. */
#include "zoo.h"

#define X4(text) text text text text
#define X64(text) X4(X4(X4(text)))
#define X4K(text) X64(X64(text))

ZOO_RUN { return zoo_succeed(request); }
ZOO("huge-schema", .parameters_schema = "{\"title\":\"" X4K(X64("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")) "\"}")
