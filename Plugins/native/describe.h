/* A JSON Schema of the parameters, made from the functions of the configuration. */
#ifndef NATIVE_DESCRIBE_H
#define NATIVE_DESCRIBE_H

#include "config.h"

spindle_status describe(const spindle_instance_config *config, const spindle_describe_sink *sink);

/* Schemas as JSON texts (malloc); NULL: no memory. */
char *describe_parameters(const struct config *config);
char *describe_output(const struct config *config);

#endif
