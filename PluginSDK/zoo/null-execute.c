/* Has no `execute`. */
#include "zoo.h"

static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = "null-execute" };
static const spindle_executor_descriptor *const kinds[] = { &kind };
ZOO_FACTORY("null-execute", .sdk = NULL)
