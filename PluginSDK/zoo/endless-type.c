/* Its type has no end for a megabyte. */
#include "zoo.h"

#define X4(text) text text text text
#define X64(text) X4(X4(X4(text)))

ZOO_RUN { return zoo_succeed(request); }
static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .execute = run,
    .type = X64(X64(X4("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"))) };
static const spindle_executor_descriptor *const kinds[] = { &kind };
ZOO_FACTORY("endless-type", .sdk = NULL)
