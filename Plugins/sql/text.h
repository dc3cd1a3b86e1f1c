/* Text in a buffer that grows, and the description of a failure. */
#ifndef SQL_TEXT_H
#define SQL_TEXT_H

#include <spindle/executor.h>
#include <stdbool.h>

/* Ends with NUL always. After an allocation failed `lost` is set and nothing is added any more. */
struct text {
    char *data;
    size_t length;
    size_t room;
    bool lost;
};

void text_add(struct text *text, const char *bytes, size_t length);
void text_put(struct text *text, const char *string);
__attribute__((format(printf, 2, 3))) void text_format(struct text *text, const char *format, ...);
void text_cut(struct text *text, size_t length); /* keeps the beginning */
void text_free(struct text *text);
void text_wipe(struct text *text); /* overwrites what is in it, then frees */

bool str_is_nocase(spindle_str text, const char *name);

/* Cuts text for a message, so that a hostile name cannot fill it. Use with "%.*s". */
static inline int shown(size_t length) { return length > 120 ? 120 : (int)length; }

/* Why something did not work, in the form that the host takes. */
struct problem {
    int32_t outcome; /* SPINDLE_PERMANENT unless it is said */
    char code[SPINDLE_MAX_CODE_BYTES + 1];
    char pointer[SPINDLE_MAX_NAME_BYTES];
    char message[3072];
    char *details; /* JSON, allocated; NULL: none */
};

/* Returns false, so that a function can end with `return problem_set(…)`. `pointer` may be NULL. */
__attribute__((format(printf, 4, 5))) bool problem_set(struct problem *problem, const char *code, const char *pointer,
                                                       const char *format, ...);
bool problem_memory(struct problem *problem); /* no memory: may work later */
void problem_free(struct problem *problem);

#endif
