/* Small text helpers. */
#ifndef SPINDLE_RABBITMQ_TEXT_H
#define SPINDLE_RABBITMQ_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

char ascii_lower(char c);
bool text_equal_nocase(const char *a, size_t a_length, const char *b);
bool text_starts_nocase(const char *text, size_t length, const char *prefix);

/* Decimal digits only, at most `most`; no sign, no blanks. */
bool parse_decimal(const char *text, size_t length, int64_t most, int64_t *value);

/* Whether it is UTF-8 as Unicode defines it. */
bool text_is_utf8(const char *text, size_t length);

/* The name with the fewest edits, or NULL when none is near. */
const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count);

#endif
