/* Between JSON and the memory of C. */
#ifndef NATIVE_MARSHAL_H
#define NATIVE_MARSHAL_H

#include "handle.h"
#include "type.h"

#include <jansson.h>

/* What a job has read from memory so far: JSON takes more room than what it was made from, so both are bounded for the whole job.
 */
struct reading {
    size_t text_bytes; /* of strings; at most as many as the arena may have */
    size_t elements;   /* of arrays */
};

#define READ_MOST_ELEMENTS ((size_t)1000000)

struct marshal {
    const spindle_request *request;
    struct arena *arena;
    struct problem *problem;
    struct handles *handles;   /* pointers of earlier calls; pointers that are found go there too */
    const json_t *earlier;     /* results of earlier calls by name */
    char path[SPINDLE_MAX_NAME_BYTES]; /* where in the arguments or results: a JSON pointer, for messages */
    bool naming;               /* while reading: pointers get `path` as their name */
    bool referred;             /* while writing: the value is of an earlier call, so a text in it is no reference to a secret */
    struct reading *read;
};

/* Puts a JSON value into memory as the type wants it; all is checked. -1: `native.arguments` and `path` say what is wrong. */
int value_write(struct marshal *m, const struct type *type, const json_t *value, void *at);

/* The bytes of a text, {"base64": …}, {"payload": true} or {"$": …}; *length is without the NUL that follows. */
int bytes_write(struct marshal *m, const json_t *value, const char **bytes, size_t *length);

/* A new reference; NULL: `problem` says why. Text that is not UTF-8 comes as {"base64": …}. */
json_t *value_read(struct marshal *m, const struct type *type, const void *at);
json_t *text_read(struct marshal *m, const char *bytes, size_t length);
json_t *bytes_read(struct marshal *m, const void *bytes, size_t length);
/* `count` elements one after the other. */
json_t *elements_read(struct marshal *m, const struct type *type, const void *at, size_t count);

/* The earlier value that {"$": "NAME…"} means, or `value` itself. NULL: there is none, `problem` says so. */
const json_t *value_followed(struct marshal *m, const json_t *value);

/* Path of what is at hand: returns the length before, to go back to. */
size_t path_enter(struct marshal *m, const char *token);
size_t path_enter_index(struct marshal *m, size_t index);
void path_leave(struct marshal *m, size_t before);

__attribute__((format(printf, 2, 3))) int argument_fail(struct marshal *m, const char *format, ...);
int marshal_memory(struct marshal *m);

#endif
