/* Small text helpers. */
#ifndef SPINDLE_GRPC_TEXT_H
#define SPINDLE_GRPC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Length of the well-formed UTF-8 sequence at `p`, or 0. */
size_t utf8_length(const char *p, size_t available);

char ascii_lower(char c);
bool text_starts_nocase(const char *text, size_t length, const char *prefix);
bool text_equal_nocase(const char *a, size_t a_length, const char *b);

/* Decimal digits only, at most `most`; no sign, no blanks. */
bool parse_decimal(const char *text, size_t length, int64_t most, int64_t *value);

/* The name with the fewest edits, or NULL when none is near. */
const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count);

#ifdef __cplusplus
}
#endif

#endif
