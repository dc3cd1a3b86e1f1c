/* Executors that behave well and badly, each a type. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <spindle/executor.h>

static const spindle_host *host;
static spindle_host_ctx *ctx;

static spindle_status start(const spindle_host *given, spindle_host_ctx *given_ctx) {
    host = given;
    ctx = given_ctx;
    return SPINDLE_OK;
}

#define EXECUTE(name) static spindle_status name(void *instance, spindle_handle attempt, const spindle_request *request)
#define UNUSED (void)instance, (void)attempt, (void)request

EXECUTE(echo) {
    UNUSED;
    return spindle_succeed(request, request->payload, "application/octet-stream");
}

/* ---- Asynchronous: a thread for each attempt; the state proves the order of the calls. ----------------------------- */

typedef struct task {
    const spindle_request *request;
    pthread_mutex_t lock;
    pthread_cond_t asked;
    int cancelled;
} task;

static void *work(void *argument) {
    task *task = argument;
    const spindle_request *request = task->request;
    host->enter(ctx, request->handle);
    if (spindle_str_is(request->target, "wait")) {
        pthread_mutex_lock(&task->lock);
        while (!task->cancelled) pthread_cond_wait(&task->asked, &task->lock);
        pthread_mutex_unlock(&task->lock);
        spindle_fail(request, SPINDLE_CANCELLED, "zoo.cancelled", "asked to");
    } else {
        spindle_succeed(request, request->payload, "text/plain");
    }
    return NULL;
}

EXECUTE(async) {
    UNUSED;
    task *made = calloc(1, sizeof *made);
    pthread_t thread;
    made->request = request;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->asked, NULL);
    host->set_state(ctx, attempt, made);
    if (host->cancel_state(ctx, attempt) != SPINDLE_CANCEL_NONE) made->cancelled = 1;
    if (pthread_create(&thread, NULL, work, made) != 0) return SPINDLE_E_BUSY;
    pthread_detach(thread);
    if (spindle_str_is(request->target, "wait")) spindle_log(request, SPINDLE_LOG_INFO, "started");
    return SPINDLE_PENDING;
}

static void async_cancel(void *instance, spindle_handle attempt, void *state, int32_t reason, int64_t grace_ms) {
    task *task = state;
    (void)instance, (void)attempt, (void)reason, (void)grace_ms;
    if (task == NULL) return;
    pthread_mutex_lock(&task->lock);
    task->cancelled = 1;
    pthread_cond_signal(&task->asked);
    pthread_mutex_unlock(&task->lock);
}

static void async_release(void *instance, spindle_handle attempt, void *state) {
    (void)instance, (void)attempt;
    free(state);
}

/* ---- Badly behaved. -------------------------------------------------------------------------------------------------- */

EXECUTE(stubborn) { /* ignores cancel until a second reason comes */
    UNUSED;
    spindle_log(request, SPINDLE_LOG_INFO, "started");
    while (spindle_cancel_state(request) != SPINDLE_CANCEL_SHUTDOWN) usleep(1000);
    return spindle_fail(request, SPINDLE_CANCELLED, "zoo.late", "at last");
}
EXECUTE(loop) {
    UNUSED;
    spindle_log(request, SPINDLE_LOG_INFO, "started");
    for (volatile int i = 0;; i++) {}
    return SPINDLE_OK;
}
EXECUTE(crash) {
    UNUSED;
    volatile int *nowhere = (int *)16;
    *nowhere = 1;
    return SPINDLE_OK;
}
EXECUTE(aborts) {
    UNUSED;
    abort();
}
EXECUTE(complains) { /* then aborts, or with a target exits */
    UNUSED;
    printf("first\n");
    fprintf(stderr, "last words");
    if (request->target.len == 0) abort();
    exit(0);
}
EXECUTE(exits) {
    UNUSED;
    exit(0);
}
__attribute__((noinline)) static int deep(volatile char *above) {
    volatile char here[4096];
    here[0] = above == NULL ? 1 : above[0];
    return deep(here) + here[0];
}
static void *overflow_thread(void *argument) {
    const spindle_request *request = argument;
    host->enter(ctx, request->handle);
    deep(NULL);
    return NULL;
}
EXECUTE(overflow) { /* on a thread of its own, where no handler has a stack */
    pthread_t thread;
    UNUSED;
    pthread_create(&thread, NULL, overflow_thread, (void *)(uintptr_t)request);
    pthread_join(thread, NULL);
    return SPINDLE_OK;
}
EXECUTE(flood) { /* "target" MiB, half of it log, the rest on stdout, and a last line on each way */
    UNUSED;
    static char line[1024];
    memset(line, 'x', sizeof line);
    spindle_str text = { line, sizeof line };
    char number[16] = "";
    memcpy(number, request->target.ptr, request->target.len < 15 ? request->target.len : 15);
    long lines = 1024 * strtol(number, NULL, 10);
    for (long i = 0; i < lines / 2; i++) host->log(ctx, attempt, SPINDLE_LOG_INFO, text, NULL, 0);
    host->log(ctx, attempt, SPINDLE_LOG_INFO, SPINDLE_STR("the end"), NULL, 0);
    line[sizeof line - 1] = '\n';
    for (long i = 0; i < lines / 2; i++) fwrite(line, 1, sizeof line, stdout);
    printf("the end\n");
    return spindle_succeed(request, SPINDLE_STR("flooded"), NULL);
}
EXECUTE(twice) {
    UNUSED;
    spindle_succeed(request, SPINDLE_STR("first"), NULL);
    spindle_result second = { .struct_size = sizeof second, .outcome = SPINDLE_PERMANENT };
    return host->complete(ctx, attempt, &second) == SPINDLE_E_STALE ? SPINDLE_OK : SPINDLE_E_INTERNAL;
}
EXECUTE(silent) {
    UNUSED;
    return SPINDLE_OK;
}
EXECUTE(refuses) {
    UNUSED;
    spindle_error why = { .struct_size = sizeof why, .outcome = SPINDLE_PERMANENT, .code = SPINDLE_STR("zoo.no"),
                          .message = SPINDLE_STR("not me \xff"), .pointer = SPINDLE_STR("/target") };
    host->set_error(ctx, attempt, &why);
    return SPINDLE_E_INVALID;
}
EXECUTE(pending) { /* completed inside cancel */
    UNUSED;
    host->set_state(ctx, attempt, (void *)(uintptr_t)request);
    spindle_log(request, SPINDLE_LOG_INFO, "started");
    return SPINDLE_PENDING;
}
static void completes(void *instance, spindle_handle attempt, void *state, int32_t reason, int64_t grace_ms) {
    (void)instance, (void)attempt, (void)reason, (void)grace_ms;
    spindle_fail(state, SPINDLE_CANCELLED, "zoo.in_cancel", "completed inside cancel");
}
static void *early_thread(void *argument) {
    spindle_succeed(argument, SPINDLE_STR("early"), NULL);
    return NULL;
}
EXECUTE(early) { /* another thread completes before execute returns */
    pthread_t thread;
    UNUSED;
    pthread_create(&thread, NULL, early_thread, (void *)(uintptr_t)request);
    pthread_join(thread, NULL);
    return SPINDLE_PENDING;
}
EXECUTE(prints) {
    UNUSED;
    printf("a line\nand a rest");
    fprintf(stderr, "an error\n");
    return spindle_succeed(request, SPINDLE_STR("printed"), NULL);
}
EXECUTE(tells) { /* everything that has a host function */
    UNUSED;
    spindle_str secret = { NULL, 0 };
    for (int64_t i = 0; i <= 1000; i++) host->progress(ctx, attempt, i, 1000, SPINDLE_STR("note"));
    host->checkpoint(ctx, attempt, SPINDLE_STR("one"));
    host->checkpoint(ctx, attempt, SPINDLE_STR("two"));
    host->metadata(ctx, attempt, SPINDLE_STR("k"), SPINDLE_STR("old"));
    host->metadata(ctx, attempt, SPINDLE_STR("k"), SPINDLE_STR("new"));
    host->artefact_write(ctx, attempt, SPINDLE_STR("file"), SPINDLE_STR("bytes"), SPINDLE_ARTEFACT_LAST);
    if (host->secret_get(ctx, attempt, SPINDLE_STR("password"), &secret) != SPINDLE_OK) return SPINDLE_E_DENIED;
    if (host->secret_get(ctx, attempt, SPINDLE_STR("other"), &secret) != SPINDLE_E_NOT_FOUND) return SPINDLE_E_INTERNAL;
    host->secret_get(ctx, attempt, SPINDLE_STR("password"), &secret);
    return spindle_succeed(request, secret, NULL);
}
EXECUTE(leaves) { /* a grandchild in a session of its own, found by its pid */
    char text[32];
    UNUSED;
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fork() == 0) for (;;) pause();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    snprintf(text, sizeof text, "%d", (int)child);
    return spindle_succeed(request, spindle_str_from_cstr(text), NULL);
}

static spindle_status configured(const spindle_instance_config *config, void **instance) {
    *instance = NULL;
    if (spindle_str_is(config->config, "{}")) return SPINDLE_OK;
    return spindle_config_error(config, "zoo.config", "only {} will do", "/x");
}
static int32_t can(const spindle_request *request) { return spindle_str_is(request->target, "zoo://yes"); }
static spindle_status describe(const spindle_instance_config *config, const spindle_describe_sink *sink) {
    const char *prefix = "zoo://";
    spindle_executor_descriptor found = { .struct_size = sizeof found, .target_prefixes = &prefix,
                                          .target_prefix_count = 1, .description = "described" };
    (void)config;
    return sink->put(sink->sink, &found);
}

#define KIND(name, ...)                                                                                                  \
    static const spindle_executor_descriptor name##_kind = { .struct_size = sizeof name##_kind, .type = #name,           \
                                                             .execute = name, __VA_ARGS__ }
KIND(echo, .flags = SPINDLE_EXECUTOR_BLOCKING, .create = configured, .can_execute = can, .describe = describe,
     .name = "Echo", .version = "2.0.0");
static const spindle_executor_descriptor many_kind = { .struct_size = sizeof many_kind, .type = "many", .execute = echo,
                                                       .flags = SPINDLE_EXECUTOR_CONCURRENT };
KIND(async, .flags = SPINDLE_EXECUTOR_ASYNC | SPINDLE_EXECUTOR_CONCURRENT, .cancel = async_cancel,
     .release = async_release);
static const spindle_executor_descriptor crowd_kind = { .struct_size = sizeof crowd_kind, .type = "crowd",
                                                        .execute = stubborn, .flags = SPINDLE_EXECUTOR_CONCURRENT };
KIND(stubborn, .flags = 0); KIND(loop, .flags = 0); KIND(crash, .flags = 0); KIND(aborts, .flags = 0);
KIND(exits, .flags = 0); KIND(overflow, .flags = 0); KIND(flood, .flags = 0); KIND(twice, .flags = 0);
KIND(silent, .flags = 0); KIND(refuses, .flags = 0); KIND(prints, .flags = 0); KIND(tells, .flags = 0);
KIND(leaves, .flags = 0); KIND(complains, .flags = 0); KIND(early, .flags = SPINDLE_EXECUTOR_ASYNC);
KIND(pending, .flags = SPINDLE_EXECUTOR_ASYNC, .cancel = completes);

static const spindle_executor_descriptor *const kinds[] = {
    &echo_kind, &many_kind, &async_kind, &crowd_kind, &stubborn_kind, &loop_kind, &crash_kind, &aborts_kind,
    &exits_kind, &overflow_kind, &flood_kind, &twice_kind, &silent_kind, &refuses_kind, &prints_kind, &tells_kind,
    &leaves_kind, &complains_kind, &early_kind, &pending_kind,
};
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory, .abi_minor = SPINDLE_ABI_MINOR,
    .executor_count = sizeof kinds / sizeof kinds[0], .executors = kinds,
    .plugin_id = "org.spindle.zoo", .plugin_version = "1.0.0", .sdk = "c", .init = start,
};
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
