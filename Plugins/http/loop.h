/* The thread that carries every request of an instance. */
#ifndef SPINDLE_HTTP_LOOP_H
#define SPINDLE_HTTP_LOOP_H

#include "attempt.h"

struct queue;
struct token;

/* One loop an instance, not one a library: a connection that one instance's policy allowed can then never be reused
 * by another's request. */
struct loop *loop_create(struct instance *instance);
/* No attempt is open. */
void loop_destroy(struct loop *loop);

/* From any thread; none blocks. */
void loop_submit(struct attempt *a);
void loop_cancel(struct attempt *a);
void loop_writable(struct attempt *a);
void loop_resolved(void *attempt);
void loop_token_resolved(void *token);

/* On the loop's thread. */
bool loop_add(struct attempt *a, CURL *easy); /* to libcurl */
CURL *loop_take_easy(struct loop *loop);      /* NULL without memory */
/* See sockets.h. */
void loop_prepare_sockets(struct loop *loop, CURL *easy);
curl_socket_t loop_open_socket(struct loop *loop, const struct curl_sockaddr *where);
void loop_drop_easy(struct attempt *a);
bool loop_add_token(struct token *token, CURL *easy);
void loop_drop_token(struct token *token);
/* What its look-up told is old news. After lookup_end. */
void loop_forget_token(struct token *token);
struct queue *loop_queue(struct attempt *a);
void loop_wait(struct attempt *a, enum phase phase);
/* Until poll.wake_ns, without a place. */
void loop_rest(struct attempt *a);
void loop_end_wait(struct attempt *a);
/* Lets go of all that the loop has of it. Afterwards complete may be called and the attempt may vanish. */
void loop_retire(struct attempt *a);

/* Marks the thread as working for the attempt. `host` and `ctx` are read first: the attempt may vanish in between. */
#define LOOP_WORKING_FOR(a, step)                                                                                       \
    do {                                                                                                                \
        const spindle_host *host_ = (a)->host;                                                                          \
        spindle_host_ctx *ctx_ = (a)->ctx;                                                                              \
        spindle_handle before_ = SPINDLE_OFFERS(host_, enter) ? host_->enter(ctx_, (a)->handle) : 0;                    \
        step;                                                                                                           \
        if (SPINDLE_OFFERS(host_, enter)) host_->enter(ctx_, before_);                                                  \
    } while (0)

#endif
