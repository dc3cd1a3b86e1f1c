#include "ascii.h"

#include <string.h>

char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool text_starts_nocase(const char *text, size_t length, const char *prefix) {
    size_t i;
    for (i = 0; prefix[i] != '\0'; i++) {
        if (i >= length || ascii_lower(text[i]) != ascii_lower(prefix[i])) return false;
    }
    return true;
}

bool text_equal_nocase(const char *a, size_t a_length, const char *b) {
    return a_length == strlen(b) && text_starts_nocase(a, a_length, b);
}

bool parse_decimal(const char *text, size_t length, int64_t most, int64_t *value) {
    int64_t sum = 0;
    size_t i;
    if (length == 0 || length > 18) return false;
    for (i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        sum = sum * 10 + (text[i] - '0');
    }
    if (sum > most) return false;
    *value = sum;
    return true;
}
