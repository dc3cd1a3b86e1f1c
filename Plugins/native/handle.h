/* Pointers that functions gave, by name. They live as long as the job and are never shown to it. */
#ifndef NATIVE_HANDLE_H
#define NATIVE_HANDLE_H

#include "arena.h"

#include <spindle/executor.h>

struct handle {
    struct handle *next;
    const char *name; /* "db.result", "db.out.0" */
    const char *tag;  /* what it points to; NULL = not said */
    void *pointer;    /* may be NULL */
};

struct handles {
    struct handle *first;
};

/* -1: no memory. */
int handle_add(struct handles *handles, struct arena *arena, const char *name, const char *tag, void *pointer);

/* "db.out.0" as it is; "db" alone means its result if that is a pointer, else its only out pointer. NULL: there is none. */
const struct handle *handle_find(const struct handles *handles, spindle_str name);

#endif
