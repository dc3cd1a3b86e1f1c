/* A function that can be called: of the configuration by name, or written out in the job. */
#ifndef NATIVE_FUNCTION_H
#define NATIVE_FUNCTION_H

#include "failure.h"
#include "library.h"

#include <jansson.h>

/* What the configuration says of an argument beyond its type. */
struct note {
    const char *unit;
    const char *description;
    const json_t *least, *most; /* numbers, or NULL */
    const json_t *fallback;     /* NULL: it has to be given */
};

struct function {
    struct function *next;
    const char *name;  /* of the configuration; NULL: written out in the job */
    const char *label; /* "libm.so.6!pow", for messages */
    struct library *library;
    const char *symbol;
    const char *description;
    struct signature signature;
    struct note *notes; /* one for each item; NULL: none */
    struct note result;
    struct failure fails;
};

struct config;

/* Reads "LIB!FUNCTION(…)->…" and finds the library in the allow-list. NULL: refused. */
struct function *function_inline(const struct config *config, spindle_str text, struct arena *arena, struct problem *problem);

/* By "native:…", by name or written out. NULL: refused. */
const struct function *function_find(const struct config *config, spindle_str text, struct arena *arena, struct problem *problem);

#endif
