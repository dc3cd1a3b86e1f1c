/* What one attempt does: one call, or a list of calls whose results later ones use. */
#ifndef NATIVE_JOB_H
#define NATIVE_JOB_H

#include "call.h"
#include "config.h"

#define JOB_MOST_CALLS 256

struct step {
    const struct function *function;
    native_function address;
    const json_t *arguments; /* an array, one for each item that takes one */
    struct failure fails;
    const char *as;          /* NULL: nothing later uses it */
    bool always;             /* also after a failure: it gives back what an earlier call took */
};

struct job {
    struct config *config;
    const spindle_request *request;
    struct arena arena; /* of arguments and results */
    struct arena plan;  /* of signatures */
    struct problem problem;
    json_t *document; /* what the arguments were read from; freed at the end */
    struct step *steps;
    size_t count;
    bool list;           /* the output has "calls" */
    const char *output;  /* "json", "result", "out0" … */
    struct handles handles;
    struct reading read;
    json_t *earlier;     /* results by name */
    json_t *done;        /* results in order */
};

/* Works out everything that can be known before the first call. -1: `problem` says why; nothing was called. */
int job_plan(struct job *job);
/* -1: `problem` says why. */
int job_run(struct job *job);
void job_free(struct job *job);

/* arguments.c: the arguments of a single call from the parameters and the payload. */
int arguments_read(struct job *job, struct step *step);
/* Puts an object with names, or an array, into the order of the items; what is missing comes from the configuration. */
json_t *arguments_in_order(struct job *job, const struct function *function, json_t *given, const char *pointer);
/* "argument 2 (exponent)": for messages. */
void argument_name(const struct function *function, size_t given, char *text, size_t size);

/* payload.c: {"calls": […]}. 1: it is none. */
int payload_read(struct job *job);

/* output.c: ends the attempt. */
void job_succeed(struct job *job);
void job_fail(struct job *job);

#endif
