#include "text.h"

#include <string.h>

static size_t utf8_length(const char *text, size_t available) {
    const unsigned char *p = (const unsigned char *)text;
    size_t length, i;
    if (available == 0) return 0;
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4) return 0;
    length = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (length > available) return 0;
    for (i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
    }
    if (p[0] == 0xE0 && p[1] < 0xA0) return 0; /* overlong */
    if (p[0] == 0xED && p[1] > 0x9F) return 0; /* surrogate */
    if (p[0] == 0xF0 && p[1] < 0x90) return 0; /* overlong */
    if (p[0] == 0xF4 && p[1] > 0x8F) return 0; /* over U+10FFFF */
    return length;
}

bool text_is_utf8(const char *text, size_t length) {
    size_t at = 0;
    while (at < length) {
        size_t step = utf8_length(text + at, length - at);
        if (step == 0) return false;
        at += step;
    }
    return true;
}

#define NAME_MOST 32

/* Levenshtein, in two rows. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t rows[2][NAME_MOST + 1];
    size_t i, j;
    for (j = 0; j <= b_length; j++) rows[0][j] = j;
    for (i = 1; i <= a_length; i++) {
        size_t *row = rows[i & 1], *above = rows[(i - 1) & 1];
        row[0] = i;
        for (j = 1; j <= b_length; j++) {
            size_t best = above[j - 1] + (ascii_lower(a[i - 1]) != ascii_lower(b[j - 1]));
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return rows[a_length & 1][b_length];
}

const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count) {
    const char *best = NULL;
    size_t least = 0, i;
    if (length == 0 || length > NAME_MOST) return NULL;
    for (i = 0; i < count; i++) {
        size_t name_length = strlen(names[i]);
        size_t found = name_length > NAME_MOST ? NAME_MOST : distance(text, length, names[i], name_length);
        if (best == NULL || found < least) {
            best = names[i];
            least = found;
        }
    }
    /* Farther than a third of the word is a different word, not a slip. */
    return best != NULL && least <= 1 + length / 3 ? best : NULL;
}
