/* Why a job is refused before anything was sent. */
#ifndef SPINDLE_HTTP_FAULT_H
#define SPINDLE_HTTP_FAULT_H

#include <spindle/executor.h>
#include <stdbool.h>

struct request_fault {
    spindle_status status; /* what execute returns */
    const char *code;
    char message[320];
    char pointer[160];
};

/* `name` is the parameter's, or empty. Returns false. */
bool request_fail(struct request_fault *fault, const char *name, const char *message);
bool request_fail_as(struct request_fault *fault, const char *code, spindle_str name, const char *message);

#endif
