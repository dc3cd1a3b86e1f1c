/* The schema of its parameters refers to itself. */
#include "zoo.h"

ZOO_RUN { return zoo_succeed(request); }
ZOO("self-schema", .parameters_schema = "{\"$ref\":\"#\"}")
