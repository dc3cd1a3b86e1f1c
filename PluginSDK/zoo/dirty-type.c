/* Its type is not UTF-8. */
#include "zoo.h"

ZOO_RUN { return zoo_succeed(request); }
static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = "dirty\xff\xfe", .execute = run };
static const spindle_executor_descriptor *const kinds[] = { &kind };
ZOO_FACTORY("dirty-type", .sdk = NULL)
