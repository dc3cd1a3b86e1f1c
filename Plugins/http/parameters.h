/* The parameters of a job by their names, which are read without regard to case. */
#ifndef SPINDLE_HTTP_PARAMETERS_H
#define SPINDLE_HTTP_PARAMETERS_H

#include "fault.h"

enum parameter {
    P_METHOD, P_BODY, P_CONTENT_TYPE, P_TEMPLATE, P_AUTH, P_EXPECTED, P_RETRY, P_FOLLOW, P_MAX_REDIRECTS, P_MAX_BYTES,
    P_CONNECT, P_SAVE, P_ASSERT_STATUS, P_ASSERT_JSON, P_ASSERT_FAILURE, P_ASYNC, P_POLL_INTERVAL, P_POLL_DEADLINE,
    P_POLL_STATE, P_POLL_DONE, P_POLL_FAILED, P_COUNT
};

/* Those that name something behind an underscore. */
enum family { F_HEADER, F_FORM, F_FILE, F_FILE_NAME, F_FILE_TYPE, F_TEMPLATE, F_ASSERT_HEADER, F_COUNT };

struct parameters {
    const spindle_request *source;
    const spindle_str *found[P_COUNT];
    size_t members[F_COUNT]; /* how many of each family */
};

const char *parameter_name(enum parameter which);
/* Refuses a name that is given twice in different cases; tells of unknown ones at debug. */
bool parameters_collect(struct parameters *parameters, const spindle_request *source, struct request_fault *fault);
/* The member's own name behind the prefix, if the parameter belongs to the family. */
bool parameter_member(const spindle_kv *parameter, enum family family, spindle_str *name);
/* The value of a family's member, compared without regard to case; NULL if there is none. */
const spindle_str *parameter_of(const spindle_request *source, enum family family, spindle_str name);

bool parameter_integer(const struct parameters *parameters, enum parameter which, int64_t least, int64_t most, int64_t *value,
                       struct request_fault *fault);
/* `value` is whether it is `yes`; left alone if it was not given. */
bool parameter_choice(const struct parameters *parameters, enum parameter which, const char *no, const char *yes, bool *value,
                      struct request_fault *fault);

#endif
