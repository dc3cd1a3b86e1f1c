/*
 * Inside a session. Locks, in the order in which they may nest:
 *   create_lock   one create, describe or destroy at a time; held while the plugin runs
 *   lock          the tables: instances, free and open attempts, the queue of the service thread
 *   attempt.lock  one attempt; held while `output` is told, so that its news keep their order
 * The plugin's execute, cancel, release and check are called with none of them held.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "SpindleSession.h"
#include "abi.h"
#include "arena.h"
#include "text.h"

enum {
    MAX_ATTEMPTS = 4096,
    MAX_INSTANCES = 1024,
    MAX_TRIGGERS = 64,
    INDEX_BITS = 13,
    INSTANCE_BIT = 1 << 12, /* in the index of a handle: instance, not attempt */
};

/* A copy of an error that the plugin set. */
typedef struct stored_error {
    int set;
    uint32_t outcome;
    spw_fault fault;
    spw_arena arena;
} stored_error;

/* A copy of secrets in pages of their own. */
typedef struct secret_memory {
    spw_kvs list;
    void *pages; /* NULL: there are none */
    size_t size;
} secret_memory;

typedef struct instance {
    _Atomic uint64_t handle; /* 0 = the entry is free */
    uint64_t token;
    const spindle_executor_descriptor *kind;
    void *state;
    uint32_t limit; /* open attempts at most; 0 = no bound */
    uint32_t open;  /* under session.lock, as are the two below */
    int busy;       /* BUSY_* */
    secret_memory secrets;
    spindle_str type;
    spw_arena arena;
    stored_error error; /* under create_lock or `busy` */
    _Atomic uint64_t logs_dropped;
} instance;

enum {
    BUSY_ALONE = 1, /* create or destroy is running: no attempts */
    BUSY_CHECK = 2, /* check is running: attempts only if the executor is CONCURRENT */
};

typedef struct metadata {
    spw_kv *items;
    size_t count;
    size_t capacity;
    size_t bytes;
} metadata;

/* Lines that were refused, oldest first, up to 64 KiB. */
typedef struct log_tail {
    struct tail_line *first, *last; /* last: only while there is a first */
    size_t bytes;
    uint64_t count;
} log_tail;

typedef void (*submitted_function)(void *instance, spindle_handle attempt, void *state, const spindle_submitted *answer);

typedef struct attempt {
    pthread_mutex_t lock;
    _Atomic uint64_t handle; /* 0 = free; written under session.lock and lock */
    uint64_t token;
    uint64_t generation;
    uint32_t index;
    instance *instance;
    struct attempt *next_free;
    struct attempt *previous_open, *next_open; /* under session.lock */
    struct attempt *next_release;

    /* Under `lock`. */
    uint32_t state;        /* ATTEMPT_* */
    uint32_t calls;        /* cancel and writable that are running */
    uint32_t reasons_seen; /* bit for each reason that was given */
    void *plugin_state;
    int64_t heard_ns;      /* when progress, heartbeat or checkpoint last went out */
    uint32_t held;         /* HELD_*: what waits for the interval to end */
    spw_progress progress;
    char note[SPINDLE_MAX_PROGRESS_NOTE_BYTES];
    char *checkpoint;
    size_t checkpoint_length, checkpoint_capacity;
    metadata metadata;
    stored_error error;
    uint64_t stale_calls, logs_dropped, logs_dropped_unsaid, text_replaced;
    log_tail log_tail;
    struct submissions *submissions; /* without an answer; NULL until a trigger hands over its first */

    _Atomic int32_t cancel_reason;
    spindle_request request;
    secret_memory secrets;
    char *memory; /* what the request points to; kept for the next attempt */
    size_t memory_capacity;
} attempt;

enum {
    ATTEMPT_ENTERED = 1,   /* execute is about to be, or was, called */
    ATTEMPT_RETURNED = 2,  /* execute has returned */
    ATTEMPT_COMPLETED = 4,
    ATTEMPT_RELEASING = 8, /* somebody is going to release it */
    ATTEMPT_WRITABLE = 16, /* artefact_write said AGAIN */
};

enum { HELD_PROGRESS = 1, HELD_HEARTBEAT = 2, HELD_CHECKPOINT = 4 };

typedef struct cancel_order {
    struct cancel_order *next;
    uint64_t handle;
    uint32_t reason;
    int64_t grace_ms;
} cancel_order;

typedef struct answer_order {
    struct answer_order *next;
    uint64_t handle, number;
    int32_t status;
    uint32_t existed;
    spw_bytes execution_id, code, message; /* behind the struct */
} answer_order;

struct spindle_host_ctx {
    uint32_t unused;
};

struct spw_session {
    struct spindle_host_ctx ctx; /* first: what the plugin passes back is the session */
    spw_output output;
    spw_page *page;
    spindle_executor_factory factory; /* cut to what the plugin has */
    spindle_executor_descriptor *kinds; /* the executors, then the triggers */
    uint32_t kind_count;
    submitted_function *submitted; /* of each kind; NULL for executors */
    spindle_host host;
    char host_version[64];
    uint64_t load_base;

    pthread_mutex_t create_lock;
    int initialised;
    stored_error error; /* of init and describe, under create_lock */

    pthread_mutex_t lock;
    instance *instances[MAX_INSTANCES];
    uint32_t instance_count;
    uint64_t instance_generation;
    attempt *attempts[MAX_ATTEMPTS];
    _Atomic uint32_t attempt_count;
    attempt *free_attempts;
    attempt *open_attempts;
    uint64_t open;

    /* The service thread's work, under lock. */
    pthread_t service;
    pthread_cond_t work;
    cancel_order *cancels, **cancels_end;
    answer_order *answers, **answers_end;
    attempt *releases;
    int writable;
    int64_t held_due_ns; /* 0 = nothing is held */
    int stopping;

    log_tail printed_tail; /* of the attempt that spw_session_line was called for; its caller's, as is the next */
    uint64_t printed_unsaid;

    _Atomic uint32_t log_level;
    _Atomic uint64_t stale_calls, contract_breaches, logs_dropped, logs_dropped_unsaid, text_replaced;
};

static inline spw_session *session_of(spindle_host_ctx *ctx) { return (spw_session *)(void *)ctx; }
static inline spw_bytes from_str(spindle_str s) { return (spw_bytes){ s.ptr, s.len }; }
static inline spindle_str to_str(spw_bytes b) { return (spindle_str){ b.ptr, b.len }; }

int64_t session_now_ns(void);

/* session_error.c */
void error_store(stored_error *error, const spindle_error *from, _Atomic uint64_t *replaced);
void error_clear(stored_error *error);
/* Fills the answer for a status; without an error that was set, from `code` and `message`. */
void error_answer(stored_error *error, int32_t status, const char *code, const char *message, spw_answer *answer,
                  spw_arena *arena);

/* session_attempt.c */
/* The attempt, locked; NULL if the handle is over or not an attempt's, and *status says which. */
attempt *attempt_find(spw_session *session, spindle_handle handle, spindle_status *status);
/* The same for a call of the plugin: a stale one is counted. */
attempt *attempt_lock(spw_session *session, spindle_handle handle, spindle_status *status);
/* Unlocks it; if nothing keeps it any more, releases it here (a thread of ours) or on the service thread. */
void attempt_unlock(spw_session *session, attempt *attempt, int on_our_thread);
/* `gathers`: the caller calls output.gathered later. */
void attempt_release(spw_session *session, attempt *attempt, int gathers);

/* session_complete.c; the attempt is locked. */
void attempt_complete(spw_session *session, attempt *attempt, spw_completed *result);
void attempt_complete_ours(spw_session *session, attempt *attempt, uint32_t origin, int32_t status, uint32_t outcome,
                           const char *code, const char *message);
spindle_status attempt_complete_plugin(spw_session *session, attempt *attempt, const spindle_result *result);
spindle_status attempt_add_metadata(attempt *attempt, spw_bytes key, spw_bytes value);
void attempt_clear_metadata(attempt *attempt);

/* session_news.c */
void attempt_tell_held(spw_session *session, attempt *attempt);
void session_fill_news(spindle_host *host);

/* session_log.c */
void session_fill_log(spindle_host *host);
/* The attempt, locked, is about to complete: its last lines that found no room are told. */
void attempt_tell_tail(spw_session *session, attempt *attempt);

/* session_tail.c */
void tail_keep(log_tail *tail, const spw_log *line);
void tail_clear(log_tail *tail);
/* Tells what is kept, to be taken in any case, and forgets it; returns how many lines. `unsaid`: dropped lines that no line has
 * told of yet, those that are kept among them. */
uint64_t tail_tell(spw_session *session, uint64_t token, log_tail *tail, uint64_t *unsaid);

/* session_secrets.c */
/* Copies secrets into fresh memory; 0 if there is none. */
int secrets_keep(secret_memory *memory, spw_kvs secrets);
/* Overwrites and gives back what was kept, if anything. */
void secrets_forget(secret_memory *memory);

/* session_host.c */
void session_fill_host(spw_session *session);

/* session_instance.c; NULL if there is none. */
instance *instance_by_token(spw_session *session, uint64_t token); /* under session.lock */
instance *instance_by_handle(spw_session *session, spindle_handle handle);
const spindle_executor_descriptor *kind_by_type(spw_session *session, spw_bytes type, int is_trigger);

/* session_load.c: one kind, the `index`th, of which those from `first` on share their names. 0: `message` says why. */
int load_kind(spw_session *session, uint32_t index, uint32_t first, const spindle_executor_descriptor *from, char *message,
              size_t capacity);

/* session_trigger.c */
/* The kinds of trigger that the factory offers, after its executors. 0: `message` says why. */
int load_triggers(spw_session *session, char *message, size_t capacity);
int kind_is_trigger(const spw_session *session, const spindle_executor_descriptor *kind);
const spindle_trigger_host *session_triggers(void);
void answer_one(spw_session *session, const answer_order *order);

/* session_service.c */
int service_start(spw_session *session);
void service_stop(spw_session *session);
void service_release_later(spw_session *session, attempt *attempt);
void service_hold_until(spw_session *session, int64_t due_ns);

/* session_thread.c: whom the calling thread works for. */
spindle_handle thread_enter(spw_session *session, spindle_handle handle, uint64_t token);
