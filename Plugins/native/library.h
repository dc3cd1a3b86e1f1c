/* A shared library of the allow-list, loaded when it is first needed and kept as long as the process. */
#ifndef NATIVE_LIBRARY_H
#define NATIVE_LIBRARY_H

#include "problem.h"

struct library {
    struct library *next;
    const char *name; /* "libm.so.6" or an absolute path */
    void *handle;     /* NULL: not loaded yet */
};

typedef void (*native_function)(void);

/* -1: `native.library`. */
int library_open(struct library *library, struct problem *problem);

/* A function of this library itself: what it takes from others (libm has all of libc behind it) is not its own, and was not
 * allowed with it. -1: `native.symbol`. */
int library_function(struct library *library, const char *symbol, native_function *function, struct problem *problem);

/* What frees what the library gave: a function of its own, or libc's free. */
int library_free_function(struct library *library, const char *symbol, native_function *function, struct problem *problem);

#endif
