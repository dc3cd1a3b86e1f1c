/* How long to wait before the next try to connect. */
#ifndef SPINDLE_RABBITMQ_BACKOFF_H
#define SPINDLE_RABBITMQ_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t most_ms, delay_ms;
    int64_t next_ns; /* not before; 0 = at once */
    unsigned seed;
};

void backoff_init(struct backoff *backoff, int64_t most_ms);
/* A try failed: the wait doubles, and chance takes up to half of it away, so that many do not come back at once. */
void backoff_fail(struct backoff *backoff, int64_t now_ns);
/* The broker does its work. */
void backoff_reset(struct backoff *backoff);

#endif
