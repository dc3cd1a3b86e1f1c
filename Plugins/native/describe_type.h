/* The JSON Schema of one argument, as a job gives it. */
#ifndef NATIVE_DESCRIBE_TYPE_H
#define NATIVE_DESCRIBE_TYPE_H

#include "signature.h"

#include <jansson.h>

json_t *schema_of_type(const struct type *type);
json_t *schema_of_item(const struct item *item);

#endif
