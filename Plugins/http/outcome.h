/* How an attempt ended: classification, result, metadata. Each completes the attempt; it may be gone afterwards. */
#ifndef SPINDLE_HTTP_OUTCOME_H
#define SPINDLE_HTTP_OUTCOME_H

#include "attempt.h"

/* `reason` is a detail for people, or NULL. */
void outcome_error(struct attempt *a, int32_t outcome, const char *code, const char *message, const char *reason);
void outcome_curl(struct attempt *a, CURLcode code);
/* A response that is a failure; its body is kept as the output. */
void outcome_rejected(struct attempt *a, int32_t outcome, const char *code, const char *message);
/* A whole response: success or not by its status and what is asserted of it. */
void outcome_response(struct attempt *a);

#define METADATA_MOST 128
#define METADATA_MOST_BYTES 49152

struct metadata {
    spindle_kv entries[METADATA_MOST];
    size_t count;
    size_t used;
    char text[METADATA_MOST_BYTES];
};

/* metadata.c */
void metadata_fill(struct metadata *metadata, const struct attempt *a);

#endif
