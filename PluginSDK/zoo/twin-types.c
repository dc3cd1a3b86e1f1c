/* Offers two executors of one type. */
#include "zoo.h"

ZOO_RUN { return zoo_succeed(request); }
static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = "twin-types", .execute = run };
static const spindle_executor_descriptor *const kinds[] = { &kind, &kind };
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory, .executor_count = 2, .executors = kinds,
    .plugin_id = "com.example.zoo.twin-types", .plugin_version = "1.0.0" };
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
