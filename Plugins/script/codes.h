/* What an exit code means. */
#ifndef SCRIPT_CODES_H
#define SCRIPT_CODES_H

#include "text.h"

enum verdict {
    VERDICT_RETRYABLE,
    VERDICT_SUCCESS,
    VERDICT_PERMANENT,
    VERDICT_NOT_RUN /* 126 and 127 unless they were named: what shells say when they cannot start a program */
};

struct codes {
    uint8_t verdict[256];
};

/* One of three sets as text, such as "0,3,10-20"; `given` tells an empty set from none. */
enum code_set_kind { SET_SUCCESS, SET_RETRYABLE, SET_PERMANENT, SET_COUNT };
struct code_set {
    bool given;
    spindle_str text;
    const char *pointer; /* for errors */
};

void codes_default(struct codes *codes);

/* Lays the sets over the map. A given set of successes replaces the one before, so that 0 can be a failure too. */
int codes_apply(struct codes *codes, const struct code_set sets[SET_COUNT], const char *error_code,
                struct problem *problem);

#endif
