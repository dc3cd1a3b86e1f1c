/* How an attempt ended. Each completes it; it may be gone afterwards. */
#ifndef SPINDLE_RABBITMQ_OUTCOME_H
#define SPINDLE_RABBITMQ_OUTCOME_H

#include "attempt.h"
#include "incoming.h"

void outcome_published(struct attempt *a);
void outcome_reply(struct attempt *a, const struct incoming *reply);
/* `retry_after_ms`: -1 = the host's own delay. */
void outcome_fault(struct attempt *a, const struct fault *fault, int64_t retry_after_ms);
void outcome_error(struct attempt *a, int32_t outcome, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Marks the thread as working for the attempt. `host` and `ctx` are read first: the attempt may vanish in between. */
#define WORKING_FOR(a, step)                                                                                            \
    do {                                                                                                                \
        const spindle_host *host_ = (a)->host;                                                                          \
        spindle_host_ctx *ctx_ = (a)->ctx;                                                                              \
        spindle_handle before_ = SPINDLE_OFFERS(host_, enter) ? host_->enter(ctx_, (a)->handle) : 0;                    \
        step;                                                                                                           \
        if (SPINDLE_OFFERS(host_, enter)) host_->enter(ctx_, before_);                                                  \
    } while (0)

#endif
