#include "scanner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_first(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

void scan_space(struct scanner *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) s->at++;
}

bool scan_peek(struct scanner *s, const char *mark) {
    size_t length = strlen(mark);
    scan_space(s);
    return (size_t)(s->end - s->at) >= length && memcmp(s->at, mark, length) == 0;
}

bool scan_mark(struct scanner *s, const char *mark) {
    if (!scan_peek(s, mark)) return false;
    s->at += strlen(mark);
    return true;
}

spindle_str scan_name(struct scanner *s) {
    const char *start;
    scan_space(s);
    start = s->at;
    if (s->at == s->end || !is_first(*s->at)) return spindle_str_make(NULL, 0);
    while (s->at < s->end && (is_first(*s->at) || is_digit(*s->at))) s->at++;
    return spindle_str_make(start, (size_t)(s->at - start));
}

bool scan_word(struct scanner *s, const char *word) {
    const char *before = s->at;
    if (spindle_str_is(scan_name(s), word)) return true;
    s->at = before;
    return false;
}

bool scan_label(struct scanner *s, spindle_str *name) {
    const char *before = s->at;
    *name = scan_name(s);
    if (name->len > 0 && scan_mark(s, ":")) return true;
    s->at = before;
    return false;
}

int scan_integer(struct scanner *s, int64_t *value) {
    uint64_t magnitude = 0;
    unsigned base = 10;
    size_t digits = 0;
    bool negative;
    scan_space(s);
    negative = s->at < s->end && *s->at == '-';
    if (negative) s->at++;
    if (s->end - s->at > 2 && s->at[0] == '0' && (s->at[1] == 'x' || s->at[1] == 'X')) {
        base = 16;
        s->at += 2;
    }
    for (; s->at < s->end; s->at++, digits++) {
        unsigned digit = is_digit(*s->at) ? (unsigned)(*s->at - '0')
                         : *s->at >= 'a' && *s->at <= 'f' ? (unsigned)(*s->at - 'a' + 10)
                         : *s->at >= 'A' && *s->at <= 'F' ? (unsigned)(*s->at - 'A' + 10) : 99;
        if (digit >= base) break;
        if (magnitude > ((uint64_t)INT64_MAX - digit) / base) return scan_fail(s, "the number is too large");
        magnitude = magnitude * base + digit;
    }
    if (digits == 0) return scan_fail(s, "a whole number is missing");
    *value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return 0;
}

int scan_count(struct scanner *s, size_t most, size_t *value) {
    int64_t number;
    if (scan_integer(s, &number) != 0) return -1;
    if (number < 1 || (uint64_t)number > most) return scan_fail(s, "a number from 1 to %zu is needed here", most);
    *value = (size_t)number;
    return 0;
}

int scan_fail(struct scanner *s, const char *format, ...) {
    char what[400];
    va_list arguments;
    size_t at = (size_t)(s->at - s->text), length = (size_t)(s->end - s->text);
    if (s->problem->code[0] != 0) return -1; /* the first mistake is the one to tell of */
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return problem_set(s->problem, "native.signature", NULL, "the signature \"%.*s\" is wrong at position %zu (\"%.*s\"): %s",
                       shown(length), s->text, at, (int)(length - at > 20 ? 20 : length - at), s->at, what);
}

int scan_expect(struct scanner *s, const char *mark) {
    return scan_mark(s, mark) ? 0 : scan_fail(s, "\"%s\" is missing", mark);
}
