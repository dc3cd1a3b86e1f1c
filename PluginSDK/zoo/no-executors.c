/* Offers no executor. */
#include "zoo.h"

ZOO_RUN { return zoo_succeed(request); }
ZOO_KIND("no-executors", .flags = 0)
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory, .executor_count = 0, .executors = kinds,
    .plugin_id = "com.example.zoo.no-executors", .plugin_version = "1.0.0" };
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
