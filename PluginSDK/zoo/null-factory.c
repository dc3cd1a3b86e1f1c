/* Its factory is NULL. */
#include "zoo.h"

SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return NULL; }
