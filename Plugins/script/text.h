/* Memory that is freed as a whole, the description of a failure, and text in buffers of a fixed size. */
#ifndef SCRIPT_TEXT_H
#define SCRIPT_TEXT_H

#include <spindle/executor.h>
#include <stdbool.h>
#include <stdio.h>

/* A plan and a configuration consist of hundreds of small strings with one life: one free() for all of them. */
struct arena_block;
struct arena {
    struct arena_block *blocks;
};

void *arena_alloc(struct arena *arena, size_t size); /* zeroed; NULL when there is no memory */
char *arena_copy(struct arena *arena, const char *text, size_t len); /* ends with NUL */
char *arena_assignment(struct arena *arena, const char *prefix, spindle_str name, spindle_str value); /* NAME=VALUE */
void arena_free(struct arena *arena);

/* Why something was refused, in the form that the host takes. */
struct problem {
    int32_t outcome;
    char code[SPINDLE_MAX_CODE_BYTES + 1];
    char pointer[SPINDLE_MAX_NAME_BYTES];
    char message[2048];
};

/* Both return -1, so that a function can end with `return problem_set(…)`. `pointer` may be NULL. */
__attribute__((format(printf, 4, 5))) int problem_set(struct problem *problem, const char *code, const char *pointer,
                                                      const char *format, ...);
int problem_memory(struct problem *problem); /* no memory: may work later */

/* Appends to a buffer and leaves out what does not fit. */
struct text {
    char *data;
    size_t len;
    size_t size;
};

void text_add(struct text *text, const char *data, size_t len);
__attribute__((format(printf, 2, 3))) void text_format(struct text *text, const char *format, ...);
void text_json(struct text *text, const char *data, size_t len); /* a JSON string; bytes that are not UTF-8 become U+FFFD */

/* Length of the UTF-8 character at `data`, or 0 if there is none (also when it is cut off). */
size_t utf8_length(const unsigned char *data, size_t len);

bool str_is_ignoring_case(spindle_str text, const char *name);
bool str_holds_nul(spindle_str text);

/* The name of the table that differs least from `text`, NULL if none is near. */
const char *nearest_name(spindle_str text, const char *const *names, size_t count);

/* Cuts text for a message, so that a hostile name cannot fill it. Use with "%.*s". */
static inline int shown(size_t len) { return len > 200 ? 200 : (int)len; }

#endif
