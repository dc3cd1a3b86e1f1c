/* Says that it offers 1,024 executors and has one. */
#include "zoo.h"

ZOO_RUN { return zoo_succeed(request); }
ZOO_KIND("wild-count", .flags = 0)
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory, .executor_count = 1024, .executors = kinds,
    .plugin_id = "com.example.zoo.wild-count", .plugin_version = "1.0.0" };
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
