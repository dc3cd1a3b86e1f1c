/* What a job asserts of the response. */
#ifndef SPINDLE_HTTP_ASSERTION_H
#define SPINDLE_HTTP_ASSERTION_H

#include <jansson.h>

#include "parameters.h"
#include "status_set.h"
#include "text.h"

struct response;

struct assertions {
    const spindle_request *source;
    bool has_status, has_headers;
    spindle_str status_text;
    struct status_set status;
    json_t *json; /* pointers and values, or NULL */
    bool retryable;
};

bool assertions_read(struct assertions *assertions, const struct parameters *parameters, struct request_fault *fault);
void assertions_free(struct assertions *assertions);
/* False: `message` says which one does not hold, what was expected and what came. */
bool assertions_hold(const struct assertions *assertions, const struct response *response, struct buffer *message);

/* The value that an RFC 6901 pointer leads to, borrowed; NULL if there is none. */
json_t *json_at(json_t *root, const char *pointer, size_t length);
bool json_pointer_valid(const char *pointer, size_t length);
/* A body as JSON, or NULL. */
json_t *json_of_body(const struct buffer *body);

#endif
