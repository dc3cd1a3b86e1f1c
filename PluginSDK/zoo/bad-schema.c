/* The schema of its parameters is no JSON. */
#include "zoo.h"

ZOO_RUN { return zoo_succeed(request); }
ZOO("bad-schema", .parameters_schema = "{\"type\": object")
