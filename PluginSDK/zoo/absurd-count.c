/* Says that it offers 4,294,967,295 executors. */
#include "zoo.h"

ZOO_RUN { return zoo_succeed(request); }
ZOO_KIND("absurd-count", .flags = 0)
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory, .executor_count = UINT32_MAX, .executors = kinds,
    .plugin_id = "com.example.zoo.absurd-count", .plugin_version = "1.0.0" };
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
