/* Work that a server accepted (202) and that is asked for until it is done. */
#ifndef SPINDLE_HTTP_POLL_H
#define SPINDLE_HTTP_POLL_H

#include <curl/curl.h>

#include "url.h"

struct attempt;

struct poll_progress {
    bool active;
    struct url url;   /* what is asked */
    bool foreign;     /* it is of another origin than the job's: it gets none of the job's headers */
    int64_t accepted_unix_ms, deadline_ns;
    int64_t wake_ns;  /* when to ask again */
    int asked;
    int failures;     /* in a row */
};

/* Goes on from the checkpoint of an earlier attempt. False: it cannot be read. */
bool poll_resume(struct attempt *a);
/* Whether this response is a word on the work, and not the job's result: its body is no artefact. */
bool poll_judges(const struct attempt *a);
/* A whole response. True: the attempt rests until poll_ask, or was ended. */
bool poll_takes(struct attempt *a);
/* A transfer that failed. True: as above. */
bool poll_tolerates(struct attempt *a, CURLcode code);
/* The next hop is the question. False: out of time, and ended. */
bool poll_ask(struct attempt *a);

#endif
