/* Why something was refused or failed, in the form that the host takes. */
#ifndef NATIVE_PROBLEM_H
#define NATIVE_PROBLEM_H

#include "arena.h"

#include <spindle/executor.h>
#include <stdbool.h>

struct problem {
    int32_t outcome;
    char code[SPINDLE_MAX_CODE_BYTES + 1];
    char pointer[SPINDLE_MAX_NAME_BYTES];
    char message[2048];
};

/* All return -1, so that a function can end with `return problem_set(…)`. `pointer` may be NULL. */
__attribute__((format(printf, 4, 5))) int problem_set(struct problem *problem, const char *code, const char *pointer,
                                                      const char *format, ...);
/* arena_alloc gave NULL: the bound of the job, or the machine has no more. */
int problem_memory(struct problem *problem, const struct arena *arena);

/* Puts "CONTEXT: " before the message. */
void problem_prefix(struct problem *problem, const char *context);

/* Cuts text for a message, so that a hostile name cannot fill it. Use with "%.*s". */
static inline int shown(size_t length) { return length > 200 ? 200 : (int)length; }

/* Appends a token of a JSON pointer, escaped as RFC 6901 says; cut where the buffer ends. */
void pointer_add(char *pointer, size_t size, const char *token);

bool same_ignoring_case(spindle_str text, const char *name);

#endif
