/*
 * The extension "spindle.trigger/1": jobs that come from the plugin. This header is its specification; the rules and
 * words are those of executor.h.
 *
 * A trigger watches something (a queue, a directory, a clock of its own) and hands the host submissions: jobs to be run
 * by some executor. It hears of each one when it is durable, and only then acknowledges it to where it came from: so a
 * message is never lost, whoever is killed when.
 *
 * A trigger runs as an attempt that does not end. The operator names it in the plugin's sidecar (`triggers:`), and while
 * the host serves it is kept open in a worker process of its own:
 *
 *     create ──> execute ──> submit … submitted … ──> cancel ──> complete ──> release
 *
 * `execute` is called once, as that of an ASYNC executor: it starts to watch and returns PENDING (a trigger on a thread
 * of the host's may also block in it). In its request type is the operator's name of the trigger; target, parameters and
 * payload are empty; there is no deadline. `cancel` says that the host or the operator wants it to stop: it takes
 * nothing new, may wait for the answers that are under way within the grace, and completes as CANCELLED. A trigger that
 * completes otherwise is started again: after RETRYABLE, a crash or SUCCESS with a growing delay, after PERMANENT only
 * when an operator has changed something. Logs, progress, heartbeat, secrets and metadata are those of an attempt.
 */
#ifndef SPINDLE_TRIGGER_H
#define SPINDLE_TRIGGER_H

#include "executor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SPINDLE_TRIGGER_ID "spindle.trigger/1"

#define SPINDLE_MAX_SUBMISSIONS 1000                      /* of one trigger without an answer */
#define SPINDLE_MAX_SUBMISSION_BYTES (64 * 1024 * 1024)   /* all of them together */

/* A job to be run. Borrowed: copied before submit returns. */
typedef struct spindle_submission {
    uint32_t struct_size;
    int32_t priority;             /* -100 to 100; 0 is usual */
    spindle_str type;             /* the executor's type; may be empty if the target tells it */
    spindle_str target;           /* may be empty if there is a type */
    spindle_str job_name;         /* may be empty */
    const spindle_kv *parameters; /* keys unique; NULL when parameter_count is 0 */
    size_t parameter_count;
    spindle_str payload;          /* bytes */
    spindle_str content_type;     /* of the payload; may be empty */
    spindle_str idempotency_key;  /* 1 to 255 bytes, or empty. The same key from the same trigger within 24 hours is the
                                   * same job: it is not run again, and the answer names the execution there is. Give one
                                   * whenever the source can deliver twice */
    spindle_str traceparent;      /* W3C Trace Context; may be empty */
    spindle_str tracestate;       /* may be empty */
    int64_t delay_ms;             /* not to start before so long from when it is taken; 0 or -1 = at once */
    int64_t start_by_unix_ms;     /* not to start after this moment; -1 = no bound. A moment, not a time from now: a source
                                   * that delivers twice must say the same twice */
} spindle_submission;

/* What became of a submission. Valid until `submitted` returns. */
typedef struct spindle_submitted {
    uint32_t struct_size;
    /* OK: the job is durable; acknowledge its source.
     * E_BUSY, E_INTERNAL, AGAIN: it was not taken, or nobody knows if it was, and the same may work later: give it back to
     * its source. With an idempotency key it does not run twice.
     * E_INVALID, E_DENIED, E_NOT_FOUND, E_LIMIT, any other below 0: it will never be taken; put it aside. */
    int32_t status;
    uint64_t token;           /* that of submit */
    spindle_str execution_id; /* 36 characters, for OK */
    uint32_t existed;         /* 1 = the idempotency key was known: nothing new was stored */
    uint32_t reserved;
    spindle_error error;      /* for a status below 0: code and message say why */
} spindle_submitted;

/* What the host offers: host->get_extension(ctx, SPINDLE_TRIGGER_ID). NULL from a host without triggers. */
typedef struct spindle_trigger_host {
    uint32_t struct_size;
    uint32_t reserved;

    /* Hands over a job. `h` is the trigger's attempt; `token` is the plugin's own and comes back in `submitted`. Any
     * thread; never blocks.
     * OK: taken; `submitted` comes once, unless the attempt has completed by then. It may come before submit returns.
     * AGAIN: nothing was taken, as many or as large ones as allowed are without an answer; the next answer makes room.
     * E_INVALID, E_LIMIT: a field or size is wrong and always will be. E_STALE: the attempt is over. */
    spindle_status (*submit)(spindle_host_ctx *ctx, spindle_handle h, uint64_t token, const spindle_submission *submission);
} spindle_trigger_host;

/* One kind of trigger. Static data. */
typedef struct spindle_trigger_descriptor {
    uint32_t struct_size;
    uint32_t reserved;

    /* Required. Texts, schema of the configuration, needs and functions as for an executor; flags must hold ASYNC or
     * BLOCKING. Its type is a name among triggers: an executor may have the same. Target prefixes, parameters, output,
     * hints, describe and can_execute are not used. */
    const spindle_executor_descriptor *executor;

    /* Required. The answer to a submission. On a thread of the host's, one at a time for an attempt, not begun after it
     * has completed; must not block. `state` is that of set_state. It may call submit and complete. */
    void (*submitted)(void *instance, spindle_handle attempt, void *state, const spindle_submitted *answer);
} spindle_trigger_descriptor;

/* What the plugin offers: factory->get_extension(SPINDLE_TRIGGER_ID). Static data, always the same pointer. */
typedef struct spindle_trigger_factory {
    uint32_t struct_size;
    uint32_t trigger_count; /* at least 1, at most 64 */
    const spindle_trigger_descriptor *const *triggers; /* none NULL, types unique among them */
} spindle_trigger_factory;

#ifdef __cplusplus
}
#endif

#endif /* SPINDLE_TRIGGER_H */
