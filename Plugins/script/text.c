#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

void *arena_alloc(struct arena *arena, size_t size) {
    struct arena_block *block = arena->blocks;
    size_t rounded = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (rounded < size) return NULL;
    if (block == NULL || block->size - block->used < rounded) {
        size_t room = rounded > 4000 ? rounded : 4000;
        block = calloc(1, sizeof *block + room);
        if (block == NULL) return NULL;
        block->size = room;
        /* A big piece must not hide the free room of the block before it. */
        if (arena->blocks != NULL && rounded > 2000) {
            block->next = arena->blocks->next;
            arena->blocks->next = block;
        } else {
            block->next = arena->blocks;
            arena->blocks = block;
        }
    }
    block->used += rounded;
    return (char *)block->data + block->used - rounded;
}

char *arena_copy(struct arena *arena, const char *text, size_t len) {
    char *copy = arena_alloc(arena, len + 1);
    if (copy != NULL && len > 0) memcpy(copy, text, len);
    return copy;
}

char *arena_assignment(struct arena *arena, const char *prefix, spindle_str name, spindle_str value) {
    size_t before = strlen(prefix);
    char *text = arena_alloc(arena, before + name.len + value.len + 2);
    if (text == NULL) return NULL;
    memcpy(text, prefix, before);
    if (name.len > 0) memcpy(text + before, name.ptr, name.len);
    text[before + name.len] = '=';
    if (value.len > 0) memcpy(text + before + name.len + 1, value.ptr, value.len);
    return text;
}

void arena_free(struct arena *arena) {
    struct arena_block *block = arena->blocks;
    arena->blocks = NULL;
    while (block != NULL) {
        struct arena_block *next = block->next;
        explicit_bzero(block->data, block->used); /* there may be a secret's value in it */
        free(block);
        block = next;
    }
}

int problem_set(struct problem *problem, const char *code, const char *pointer, const char *format, ...) {
    va_list arguments;
    problem->outcome = SPINDLE_PERMANENT;
    (void)snprintf(problem->code, sizeof problem->code, "%s", code);
    (void)snprintf(problem->pointer, sizeof problem->pointer, "%s", pointer == NULL ? "" : pointer);
    va_start(arguments, format);
    (void)vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    return -1;
}

int problem_memory(struct problem *problem) {
    (void)problem_set(problem, "script.memory", NULL, "there is no memory left to prepare the program");
    problem->outcome = SPINDLE_RETRYABLE;
    return -1;
}

void text_add(struct text *text, const char *data, size_t len) {
    size_t room = text->size - text->len;
    if (len > room) len = room;
    if (len > 0) memcpy(text->data + text->len, data, len);
    text->len += len;
}

void text_format(struct text *text, const char *format, ...) {
    char piece[512];
    va_list arguments;
    int len;
    va_start(arguments, format);
    len = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (len > 0) text_add(text, piece, (size_t)len < sizeof piece ? (size_t)len : sizeof piece - 1);
}

size_t utf8_length(const unsigned char *data, size_t len) {
    unsigned char lead = data[0];
    size_t need = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    size_t i;
    if (need == 0 || need > len) return 0;
    for (i = 1; i < need; i++) {
        if ((data[i] & 0xC0) != 0x80) return 0;
    }
    /* Too long a form, surrogates, beyond U+10FFFF. */
    if (lead == 0xE0 && data[1] < 0xA0) return 0;
    if (lead == 0xED && data[1] > 0x9F) return 0;
    if (lead == 0xF0 && data[1] < 0x90) return 0;
    if (lead == 0xF4 && data[1] > 0x8F) return 0;
    return need;
}

void text_json(struct text *text, const char *data, size_t len) {
    const unsigned char *at = (const unsigned char *)data;
    const unsigned char *end = at + len;
    text_add(text, "\"", 1);
    while (at < end) {
        size_t step = utf8_length(at, (size_t)(end - at));
        if (step == 0) {
            text_add(text, "\xEF\xBF\xBD", 3);
            step = 1;
        } else if (*at == '"' || *at == '\\') {
            text_add(text, "\\", 1);
            text_add(text, (const char *)at, 1);
        } else if (*at == '\n') {
            text_add(text, "\\n", 2);
        } else if (*at < 0x20 || *at == 0x7F) {
            text_format(text, "\\u%04x", *at);
        } else {
            text_add(text, (const char *)at, step);
        }
        at += step;
    }
    text_add(text, "\"", 1);
}

bool str_is_ignoring_case(spindle_str text, const char *name) {
    return text.len == strlen(name) && (text.len == 0 || strncasecmp(text.ptr, name, text.len) == 0);
}

bool str_holds_nul(spindle_str text) { return text.len > 0 && memchr(text.ptr, 0, text.len) != NULL; }

static unsigned lower(char c) { return c >= 'A' && c <= 'Z' ? (unsigned)c + 32u : (unsigned char)c; }

/* Levenshtein distance, with one row of the table; names are short. */
static unsigned distance(spindle_str a, const char *b) {
    unsigned row[65];
    size_t width = strlen(b);
    size_t i, j;
    if (width > 64 || a.len > 64) return 1000;
    for (j = 0; j <= width; j++) row[j] = (unsigned)j;
    for (i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (j = 1; j <= width; j++) {
            unsigned best = diagonal + (lower(a.ptr[i - 1]) == lower(b[j - 1]) ? 0u : 1u);
            diagonal = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[width];
}

const char *nearest_name(spindle_str text, const char *const *names, size_t count) {
    const char *found = NULL;
    unsigned least = 1000;
    size_t i;
    for (i = 0; i < count; i++) {
        unsigned d = distance(text, names[i]);
        if (d < least) {
            least = d;
            found = names[i];
        }
    }
    return least <= 1 + text.len / 3 ? found : NULL;
}
