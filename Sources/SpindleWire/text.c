#include "text.h"

#include <string.h>

#include "arena.h"

/* Length of the valid character at `at`, 0 if it is not one. Shortest form, no surrogates, up to U+10FFFF. */
static size_t character(const unsigned char *at, size_t left) {
    unsigned char first = at[0];
    unsigned char low = 0x80, high = 0xbf;
    size_t length;
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) length = 2;
    else if (first >= 0xe0 && first <= 0xef) length = 3;
    else if (first >= 0xf0 && first <= 0xf4) length = 4;
    else return 0;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    if (left < length || at[1] < low || at[1] > high) return 0;
    for (size_t i = 2; i < length; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf) return 0;
    }
    return length;
}

size_t text_valid_prefix(const char *text, size_t length) {
    const unsigned char *at = (const unsigned char *)text;
    size_t i = 0;
    while (i < length) {
        uint64_t word;
        if (length - i >= 8 && (memcpy(&word, at + i, 8), (word & UINT64_C(0x8080808080808080)) == 0)) {
            i += 8;
            continue;
        }
        size_t step = character(at + i, length - i);
        if (step == 0) break;
        i += step;
    }
    return i;
}

/* The most bytes not over `limit` that end with a character; the text is valid. */
static size_t cut(const char *text, size_t length, size_t limit) {
    if (length <= limit) return length;
    while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80) limit--;
    return limit;
}

spw_bytes text_clean(spw_bytes text, size_t limit, spw_arena *arena, uint64_t *replaced) {
    /* What lies beyond the limit is cut anyway: do not read a gigabyte to find that out. */
    size_t length = text.len > limit + 4 ? limit + 4 : text.len;
    const char *from = text.ptr;
    size_t valid = length == 0 ? 0 : text_valid_prefix(from, length);
    if (valid == length || (length < text.len && valid >= limit)) {
        return (spw_bytes){ text.ptr, cut(from, valid, limit) };
    }
    *replaced += 1;
    char *made = spw_arena_allocate(arena, 3 * length + 3);
    if (made == NULL) return (spw_bytes){ NULL, 0 };
    size_t out = 0;
    for (size_t i = 0; i < length;) {
        size_t step = character((const unsigned char *)from + i, length - i);
        memcpy(made + out, step == 0 ? "\xef\xbf\xbd" : from + i, step == 0 ? 3 : step);
        out += step == 0 ? 3 : step;
        i += step == 0 ? 1 : step;
    }
    return (spw_bytes){ made, cut(made, out, limit) };
}

int text_is_code(spw_bytes code) {
    const char *text = code.ptr;
    if (code.len < 1 || code.len > 64) return 0;
    for (size_t i = 0; i < code.len; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-')) return 0;
    }
    return !(code.len >= 8 && memcmp(text, "spindle.", 8) == 0);
}

int text_is_name(const char *name) {
    size_t i = 0;
    for (; name[i] != 0; i++) {
        char c = name[i];
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        int other = (c >= '0' && c <= '9') || c == '.' || c == '-';
        if (i == 128 || !(letter || (i > 0 && other))) return 0;
    }
    return i > 0;
}

spw_bytes text_of(const char *literal) { return (spw_bytes){ literal, strlen(literal) }; }
