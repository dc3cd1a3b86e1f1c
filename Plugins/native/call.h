/* One call of a function: arguments into memory, the call, results out of it. */
#ifndef NATIVE_CALL_H
#define NATIVE_CALL_H

#include "callback.h"
#include "function.h"

/* What became of an item of the signature. */
struct slot {
    void *memory;       /* what is passed, or what the passed pointer leads to */
    void *pointer;      /* NULL for a null */
    size_t count;       /* elements there is room for */
    size_t guard;       /* bytes before the guard; 0 = none */
    unsigned char length[8];
    void *length_pointer;
    struct callback callback;
};

struct call {
    const struct function *function;
    const struct failure *fails; /* the job's, or the function's */
    struct marshal *m;
    struct slot slots[SIGNATURE_MOST_ITEMS];
    void *values[2 * SIGNATURE_MOST_ITEMS + 1]; /* what libffi takes */
    void *result;
    int error; /* errno */
    bool of_list; /* one of several calls of the job */
    bool failed, stopped;
};

/* Checks the arguments (in the order of the signature, one for each item that takes one) and puts them into memory. */
int call_prepare(struct call *call, const json_t *arguments);
/* -1: not called, or what came back could not be read. Else *result is {"result", "out", "errno", "collected"}. */
int call_run(struct call *call, native_function function, json_t **result);
void call_close(struct call *call);

/* prepare.c */
bool call_guards_hold(const struct call *call, size_t *item);

/* results.c */
json_t *call_results(struct call *call);

#endif
