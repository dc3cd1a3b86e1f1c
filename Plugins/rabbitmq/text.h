/* Small text helpers. */
#ifndef SPINDLE_RABBITMQ_TEXT_H
#define SPINDLE_RABBITMQ_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "ascii.h"

/* Whether it is UTF-8 as Unicode defines it. */
bool text_is_utf8(const char *text, size_t length);

/* The name with the fewest edits, or NULL when none is near. */
const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count);

#endif
