/*
 * The plugin `bench`: work of known cost and known misbehaviour, for `spindle bench` and for the tests of the host.
 *
 * Target, what an attempt does:
 *   noop     succeeds with its payload
 *   wait     waits, and ends early when cancelled
 *   await    waits until the file `gate` is there, and ends early when cancelled
 *   block    waits, and ignores cancel
 *   fail     fails: retryable, or permanent with `class` = permanent
 *   flaky    fails retryably while attempt <= `failures`, then succeeds
 *   crash, abort, exit, loop, overflow, flood: see misbehave.h
 *
 * Parameters, for any target:
 *   ms, class, failures, bytes, gate
 *   held     a file: wait and block wait for as long as it is there, not for `ms`
 *   deaf     1 = the process ignores SIGTERM from now on
 *   journal  a file that gets a line "B EXECUTION ATTEMPT PID NANOSECONDS" when an attempt begins, "C …" when block sees that its
 *            end is asked for and goes on, and "E …" when it ends; the time is that of CLOCK_MONOTONIC
 *   gauges   a file and the gauges in it that an attempt counts in: "FILE:INDEX[,INDEX…]" (see gauge.h)
 *
 * Three executors with the same work: `bench` (blocking, many at once), `bench.serial` (one at a time), `bench.async` (what takes
 * time goes on a thread of its own, and `execute` returns at once).
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spindle/executor.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gauge.h"
#include "journal.h"
#include "misbehave.h"

/* A parameter as a number; out of range or not a number gives the fallback. */
static int64_t number(const spindle_request *request, const char *name, int64_t fallback) {
    const spindle_str *text = spindle_param(request, name);
    char copy[24];
    char *end;
    long long value;
    if (text == NULL || text->len == 0 || text->len >= sizeof copy) return fallback;
    memcpy(copy, text->ptr, text->len);
    copy[text->len] = 0;
    errno = 0;
    value = strtoll(copy, &end, 10);
    return *end == 0 && errno == 0 && value >= 0 && value <= INT32_MAX ? value : fallback;
}

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/*
 * Waits until the time is over, or for as long as it is held: in steps of 1 ms, so that a cancel is seen soon. Returns whether
 * that was all; 0 if it heeded a cancel.
 */
static int wait_as_asked(const spindle_request *request, int heeds_cancel) {
    char file[PATH_MAX];
    struct stat status;
    spindle_str held = spindle_param_or(request, "held", "");
    const spindle_str *journal = spindle_param(request, "journal");
    int64_t until = now_ns() + number(request, "ms", 1000) * 1000000;
    int has_said = 0;
    if (held.len >= sizeof file) return 1;
    memcpy(file, held.ptr, held.len);
    file[held.len] = 0;
    for (;;) {
        int64_t left = held.len > 0 ? 1000000 : until - now_ns();
        if (held.len > 0 ? stat(file, &status) != 0 : left <= 0) return 1;
        if (spindle_cancel_state(request) != SPINDLE_CANCEL_NONE) {
            if (heeds_cancel) return 0;
            if (!has_said && journal != NULL) (void)journal_line(*journal, 'C', request);
            has_said = 1;
        }
        struct timespec step = {0, left < 1000000 ? left : 1000000};
        nanosleep(&step, NULL);
    }
}

/* Waits until there is a file of that name. Returns whether it came. */
static int await_file(const spindle_request *request, spindle_str path) {
    char name[PATH_MAX];
    if (path.len == 0 || path.len >= sizeof name) return 0;
    memcpy(name, path.ptr, path.len);
    name[path.len] = 0;
    while (access(name, F_OK) != 0) {
        if (spindle_cancel_state(request) != SPINDLE_CANCEL_NONE) return 0;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return 1;
}

/* What an attempt will say; said only after the journal and the gauges know that it has ended. */
typedef struct outcome {
    int32_t class;
    const char *code;
    const char *message;
} outcome;

static outcome work(const spindle_request *request) {
    outcome success = {SPINDLE_SUCCESS, NULL, NULL};
    outcome cancelled = {SPINDLE_CANCELLED, "bench.cancelled", "ended on request"};
    spindle_str target = request->target;
    if (spindle_str_is(target, "noop") || target.len == 0) return success;
    if (spindle_str_is(target, "block")) {
        (void)wait_as_asked(request, 0);
        return success;
    }
    if (spindle_str_is(target, "wait")) {
        return wait_as_asked(request, 1) ? success : cancelled;
    }
    if (spindle_str_is(target, "await")) {
        return await_file(request, spindle_param_or(request, "gate", "")) ? success : cancelled;
    }
    if (spindle_str_is(target, "fail")) {
        spindle_str class = spindle_param_or(request, "class", "retryable");
        int32_t how = spindle_str_is(class, "permanent") ? SPINDLE_PERMANENT : SPINDLE_RETRYABLE;
        return (outcome){how, "bench.fail", "failed as asked"};
    }
    if (spindle_str_is(target, "flaky")) {
        if (request->attempt > number(request, "failures", 1)) return success;
        return (outcome){SPINDLE_RETRYABLE, "bench.flaky", "failed as asked; a later attempt will work"};
    }
    if (misbehave(request, number(request, "bytes", 1 << 20))) return success;
    return (outcome){SPINDLE_PERMANENT, "bench.target", "the target is not one of those that bench knows"};
}

static spindle_status run(const spindle_request *request) {
    const spindle_str *journal = spindle_param(request, "journal");
    const spindle_str *gauges = spindle_param(request, "gauges");
    gauge_cell *cell = NULL;
    if (number(request, "deaf", 0) == 1) signal(SIGTERM, SIG_IGN);
    if (gauges != NULL && (cell = gauge_enter(*gauges)) == NULL) {
        return spindle_fail(request, SPINDLE_PERMANENT, "bench.gauges", "cannot use the gauges");
    }
    /* Whoever reads that it has begun may count on its being counted. */
    if (journal != NULL && !journal_line(*journal, 'B', request)) {
        if (cell != NULL) gauge_leave(cell);
        return spindle_fail(request, SPINDLE_PERMANENT, "bench.journal", "cannot write the journal");
    }
    outcome end = work(request);
    if (cell != NULL) gauge_leave(cell);
    if (journal != NULL) (void)journal_line(*journal, 'E', request);
    if (end.class == SPINDLE_SUCCESS) return spindle_succeed(request, request->payload, NULL);
    return spindle_fail(request, end.class, end.code, end.message);
}

static spindle_status execute(void *instance, spindle_handle attempt, const spindle_request *request) {
    (void)instance;
    (void)attempt;
    return run(request);
}

static void *run_on_thread(void *argument) {
    const spindle_request *request = argument;
    (void)request->host->enter(request->ctx, request->handle);
    (void)run(request); /* completes it: the request may be gone now */
    return NULL;
}

/* What takes time must not keep the thread that calls: `execute` of an ASYNC executor returns soon. */
static spindle_status execute_async(void *instance, spindle_handle attempt, const spindle_request *request) {
    spindle_str target = request->target;
    int takes_time = spindle_str_is(target, "wait") || spindle_str_is(target, "block") || spindle_str_is(target, "await") ||
                     spindle_str_is(target, "loop") || spindle_str_is(target, "flood");
    pthread_t thread;
    if (!takes_time) return execute(instance, attempt, request);
    if (pthread_create(&thread, NULL, run_on_thread, (void *)request) != 0) {
        return spindle_fail(request, SPINDLE_RETRYABLE, "bench.thread", "the system has no thread left");
    }
    pthread_detach(thread);
    return SPINDLE_PENDING;
}

#define PARAMETERS_SCHEMA                                                                                               \
    "{\"type\":\"object\",\"properties\":{\"ms\":{\"type\":\"integer\",\"minimum\":0},"                                 \
    "\"class\":{\"enum\":[\"retryable\",\"permanent\"]},\"failures\":{\"type\":\"integer\",\"minimum\":0},"             \
    "\"bytes\":{\"type\":\"integer\",\"minimum\":0},\"gate\":{\"type\":\"string\"},"                                    \
    "\"held\":{\"type\":\"string\"},\"deaf\":{\"enum\":[0,1]},"                                                           \
    "\"journal\":{\"type\":\"string\"},\"gauges\":{\"type\":\"string\"}}}"

#define DESCRIPTOR(variable, type_name, flag_bits, function)                                                           \
    static const spindle_executor_descriptor variable = {                                                               \
        .struct_size = sizeof variable,                                                                                 \
        .flags = flag_bits,                                                                                             \
        .type = type_name,                                                                                              \
        .name = "Bench",                                                                                                \
        .vendor = "Spindle",                                                                                            \
        .license = "Apache-2.0",                                                                                        \
        .description = "Work of known cost and known misbehaviour, for benchmarks and tests.",                          \
        .parameters_schema = PARAMETERS_SCHEMA,                                                                         \
        .execute = function,                                                                                            \
    }

DESCRIPTOR(many, "bench", SPINDLE_EXECUTOR_BLOCKING | SPINDLE_EXECUTOR_CONCURRENT | SPINDLE_EXECUTOR_IDEMPOTENT, execute);
DESCRIPTOR(serial, "bench.serial", SPINDLE_EXECUTOR_BLOCKING | SPINDLE_EXECUTOR_IDEMPOTENT, execute);
DESCRIPTOR(async, "bench.async", SPINDLE_EXECUTOR_ASYNC | SPINDLE_EXECUTOR_CONCURRENT | SPINDLE_EXECUTOR_IDEMPOTENT,
           execute_async);

static const spindle_executor_descriptor *const executors[] = {&many, &serial, &async};

static const spindle_executor_factory factory = {
    .struct_size = sizeof factory,
    .abi_minor = SPINDLE_ABI_MINOR,
    .executor_count = sizeof executors / sizeof *executors,
    .executors = executors,
    .plugin_id = "dev.spindle.bench",
    .plugin_version = "1.0.0",
    .sdk = "spindle-c 1.0",
};

SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
