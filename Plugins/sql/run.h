/* One attempt: from the request to its result. */
#ifndef SQL_RUN_H
#define SQL_RUN_H

#include <stdatomic.h>

#include "arguments.h"
#include "plan.h"
#include "pool.h"

/* Beside the host's reasons to end: the statement's own time limit. */
#define RUN_TIME_IS_UP 100

struct instance {
    struct config config;
    struct keeper keeper;
    SQLHENV environment;
    struct pool *pools; /* one for each connection of the configuration, in its order */
    size_t pool_count;
};

struct run {
    const spindle_request *request;
    struct pool *pool;
    const struct operation *operation;
    enum format format;
    int64_t row_limit, timeout_ms, max_artefact_bytes;
    struct arguments arguments;
    struct problem problem;
    _Atomic int32_t reason; /* why it shall end; 0: it need not */

    struct connection *connection;
    SQLHSTMT statement;
    SQLHSTMT cancel_handle; /* what SQLCancel is called with */
    struct plan plan;

    /* Of the canceller, under the pool's lock: */
    struct run *next;
    int64_t deadline_ns, stop_again_ns;
    int stops;
    bool is_being_stopped;
    bool writable;

    struct text results;   /* what is not in artefacts, after one another */
    struct text outs;      /* "name":value,… */
    struct text artefacts; /* their names */
    size_t result_sets;
    int64_t rows, row_count, artefact_bytes;
    int64_t wait_ms, execute_ms;
    bool spilled;          /* some of it is in an artefact */
    bool began;            /* the statement was sent */
    bool executed;         /* and the server has carried it out */
    bool done;             /* all of it, committed */
    bool uncertain;        /* what it did may have been committed */
};

static inline int32_t run_reason(struct run *run) { return atomic_load_explicit(&run->reason, memory_order_acquire); }

/* The first reason counts. Does not wake anybody. */
static inline void run_ask_to_end(struct run *run, int32_t reason) {
    int32_t none = 0;
    (void)atomic_compare_exchange_strong(&run->reason, &none, reason);
}

/* NULL: no memory. With `problem` filled the request was refused. */
struct run *run_make(struct instance *instance, const spindle_request *request);
void run_perform(struct run *run); /* until its end; `problem` says what went wrong */
void run_complete(struct run *run); /* tells the host */
/* What becomes of what it has done when it fails now, as the end of a sentence. */
const char *run_aftermath(const struct run *run);
void run_free(struct run *run);

#endif
