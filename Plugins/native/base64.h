/* Base 64 (RFC 4648, section 4, with padding). */
#ifndef NATIVE_BASE64_H
#define NATIVE_BASE64_H

#include <stddef.h>

size_t base64_encoded_length(size_t length);
void base64_encode(const void *bytes, size_t length, char *text); /* base64_encoded_length bytes, no NUL */

/* Into `bytes`, which has room for length / 4 * 3; -1 if the text is none, else the number of bytes. */
long base64_decode(const char *text, size_t length, unsigned char *bytes);

#endif
