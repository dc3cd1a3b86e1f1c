/* Texts of protocols: letters without regard to case, numbers from outside. */
#ifndef SPINDLE_NET_ASCII_H
#define SPINDLE_NET_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

char ascii_lower(char c);
bool text_starts_nocase(const char *text, size_t length, const char *prefix);
bool text_equal_nocase(const char *a, size_t a_length, const char *b);

/* Decimal digits only, at most `most`; no sign, no blanks. */
bool parse_decimal(const char *text, size_t length, int64_t most, int64_t *value);

#ifdef __cplusplus
}
#endif

#endif
