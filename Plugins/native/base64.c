#include "base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encoded_length(size_t length) { return (length + 2) / 3 * 4; }

void base64_encode(const void *bytes, size_t length, char *text) {
    const unsigned char *at = bytes;
    for (; length >= 3; length -= 3, at += 3) {
        *text++ = digits[at[0] >> 2];
        *text++ = digits[(at[0] & 3) << 4 | at[1] >> 4];
        *text++ = digits[(at[1] & 15) << 2 | at[2] >> 6];
        *text++ = digits[at[2] & 63];
    }
    if (length == 0) return;
    *text++ = digits[at[0] >> 2];
    *text++ = digits[(at[0] & 3) << 4 | (length == 2 ? at[1] >> 4 : 0)];
    *text++ = length == 2 ? digits[(at[1] & 15) << 2] : '=';
    *text++ = '=';
}

static int digit(char c) {
    const char *at = c == 0 ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

long base64_decode(const char *text, size_t length, unsigned char *bytes) {
    unsigned char *to = bytes;
    size_t i, padding = 0;
    if (length % 4 != 0) return -1;
    if (length > 0 && text[length - 1] == '=') padding = text[length - 2] == '=' ? 2 : 1;
    for (i = 0; i < length; i += 4) {
        size_t here = i + 4 == length ? padding : 0, k;
        unsigned value = 0;
        for (k = 0; k < 4; k++) {
            int d = k >= 4 - here ? 0 : digit(text[i + k]);
            if (d < 0) return -1;
            value = value << 6 | (unsigned)d;
        }
        /* Bits that no byte takes must be 0: one text for the same bytes. */
        if ((here == 1 && (value & 0xFF) != 0) || (here == 2 && (value & 0xFFFF) != 0)) return -1;
        *to++ = (unsigned char)(value >> 16);
        if (here < 2) *to++ = (unsigned char)(value >> 8);
        if (here < 1) *to++ = (unsigned char)value;
    }
    return (long)(to - bytes);
}
