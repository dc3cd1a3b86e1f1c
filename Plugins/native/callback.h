/* What a function calls back: closures of libffi that end here. */
#ifndef NATIVE_CALLBACK_H
#define NATIVE_CALLBACK_H

#include "marshal.h"
#include "signature.h"

#include <pthread.h>

struct callback {
    const struct callback_type *type;
    struct marshal *m; /* the call's; read only while the function runs */
    ffi_closure *closure;
    void *code;        /* what the function is given */
    pthread_mutex_t lock; /* a library may call back on threads of its own */
    /* Under the lock: */
    json_t *collected;    /* COLLECT: an array with an array for each call */
    struct reading read;  /* what of it takes room */
    int64_t last_progress_ns;
    bool stopped;         /* PROGRESS: it answered "stop" */
    struct problem problem;
};

/* -1: `native.callback`. callback_close in every case. */
int callback_open(struct callback *callback, const struct callback_type *type, struct marshal *m);
void callback_close(struct callback *callback);

/* compare.c: below 0, 0, above 0 as qsort wants it. */
int compare_values(const struct type *type, const void *a, const void *b);

#endif
