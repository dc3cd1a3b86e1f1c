/* Reads a signature word by word, and says where it is wrong. */
#ifndef NATIVE_SCANNER_H
#define NATIVE_SCANNER_H

#include "type.h"

struct scanner {
    const char *text; /* the whole */
    const char *at;
    const char *end;
    struct arena *arena;
    struct problem *problem;
    size_t depth; /* of nested structs */
};

void scan_space(struct scanner *s);
bool scan_mark(struct scanner *s, const char *mark);      /* takes the mark if it is next: "(", "->" */
bool scan_word(struct scanner *s, const char *word);      /* takes the word if it is next, as a whole */
bool scan_peek(struct scanner *s, const char *mark);      /* is it next? takes nothing */
spindle_str scan_name(struct scanner *s);                 /* [A-Za-z_][A-Za-z0-9_]*; empty if there is none */
bool scan_label(struct scanner *s, spindle_str *name);    /* takes "name:" if that is next */
int scan_integer(struct scanner *s, int64_t *value);      /* decimal or 0x…, with a sign */
int scan_count(struct scanner *s, size_t most, size_t *value); /* 1 to `most` */

/* Always -1: `native.signature`, with the place. */
__attribute__((format(printf, 2, 3))) int scan_fail(struct scanner *s, const char *format, ...);
int scan_expect(struct scanner *s, const char *mark);

/* A type by value: a scalar, an enum or a struct. NULL: refused. */
const struct type *scan_type(struct scanner *s);

#endif
