/* Its factory says to be 8 bytes long. */
#include "zoo.h"

static const spindle_executor_factory factory = { .struct_size = 8 };
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
