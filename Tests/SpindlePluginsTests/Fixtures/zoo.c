/* A plugin whose target says how it behaves. Types: serial, parallel, async. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <spindle/executor.h>

static void pause_ms(long ms) {
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

static int deep(int n) {
    volatile char room[4096];
    room[0] = (char)n;
    return n == 0 ? room[0] : deep(n - 1) + deep(n - 2) + room[0];
}

static void *overflow(void *request) {
    const spindle_request *r = request;
    r->host->enter(r->ctx, r->handle);
    deep(1 << 30);
    return NULL;
}

static void *crash_unnamed(void *unused) {
    (void)unused;
    raise(SIGSEGV);
    return NULL;
}

static void in_thread(void *(*body)(void *), const spindle_request *r) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, (void *)(size_t)r) == 0) pthread_join(thread, NULL);
}

static spindle_status huge(const spindle_request *r) {
    size_t size = (size_t)1 << 30;
    char *bytes = malloc(size);
    spindle_status status = spindle_succeed(r, spindle_str_make(bytes, bytes == NULL ? 0 : size), NULL);
    free(bytes);
    return status;
}

static spindle_status all(const spindle_request *r) {
    spindle_kv kv = { SPINDLE_STR("shape"), SPINDLE_STR("round") };
    spindle_result result = { .struct_size = sizeof result, .retry_after_ms = -1 };
    r->host->log(r->ctx, r->handle, SPINDLE_LOG_WARNING, SPINDLE_STR("a line"), &kv, 1);
    r->host->progress(r->ctx, r->handle, 1, 4, SPINDLE_STR("a quarter"));
    r->host->checkpoint(r->ctx, r->handle, SPINDLE_STR("where I was"));
    r->host->metadata(r->ctx, r->handle, SPINDLE_STR("colour"), SPINDLE_STR("blue"));
    result.output = SPINDLE_STR("bytes\0and more");
    result.content_type = SPINDLE_STR("application/x-zoo");
    r->host->complete(r->ctx, r->handle, &result);
    return SPINDLE_OK;
}

static spindle_status retry_after(const spindle_request *r) {
    spindle_error error = { .struct_size = sizeof error, .code = SPINDLE_STR("zoo.later"), .message = SPINDLE_STR("later"),
                            .details = SPINDLE_STR("{\"when\":1}") };
    spindle_result result = { .struct_size = sizeof result, .outcome = SPINDLE_RETRYABLE, .error = &error,
                              .retry_after_ms = 1500 };
    r->host->complete(r->ctx, r->handle, &result);
    return SPINDLE_OK;
}

static spindle_status until_cancelled(const spindle_request *r) {
    spindle_log(r, SPINDLE_LOG_INFO, "waiting");
    for (;;) {
        int32_t reason = spindle_cancel_state(r);
        if (reason != SPINDLE_CANCEL_NONE) return spindle_fail(r, SPINDLE_CANCELLED, "zoo.cancelled", "as asked");
        pause_ms(1);
    }
}

static spindle_status twice(const spindle_request *r) {
    char text[32];
    spindle_result result = { .struct_size = sizeof result, .retry_after_ms = -1, .output = SPINDLE_STR("first") };
    r->host->complete(r->ctx, r->handle, &result);
    spindle_status second = r->host->complete(r->ctx, r->handle, &result);
    snprintf(text, sizeof text, "second: %d", (int)second);
    fprintf(stderr, "%s\n", text);
    return SPINDLE_OK;
}

static const spindle_host *host;
static spindle_host_ctx *ctx;
static int unready;

static spindle_status check(void *instance, spindle_handle handle) {
    spindle_error error = { .struct_size = sizeof error, .outcome = SPINDLE_RETRYABLE, .code = SPINDLE_STR("zoo.pond"),
                            .message = SPINDLE_STR("the pond is dry") };
    (void)instance;
    if (!unready) return SPINDLE_OK;
    host->set_error(ctx, handle, &error);
    return SPINDLE_E_INTERNAL;
}

static spindle_status grow(const spindle_request *r) {
    size_t size = (size_t)160 << 20;
    char *bytes = malloc(size);
    for (size_t i = 0; bytes != NULL && i < size; i += 1024) ((volatile char *)bytes)[i] = 1;
    return spindle_succeed(r, SPINDLE_STR(""), NULL);
}

/* Leaves a process behind that has a session of its own and no parent; its pid is the output, and a line of the log. */
static spindle_status leave_daemon(const spindle_request *r, int waits) {
    int ends[2];
    char text[32];
    pid_t daemon = 0;
    if (pipe(ends) != 0) return SPINDLE_E_INTERNAL;
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fork() != 0) _exit(0);
        daemon = getpid();
        ssize_t written = write(ends[1], &daemon, sizeof daemon);
        (void)written;
        for (;;) pause();
    }
    waitpid(child, NULL, 0);
    if (read(ends[0], &daemon, sizeof daemon) != sizeof daemon) return SPINDLE_E_INTERNAL;
    close(ends[0]);
    close(ends[1]);
    snprintf(text, sizeof text, "%d", (int)daemon);
    spindle_log(r, SPINDLE_LOG_INFO, text);
    if (waits) return until_cancelled(r);
    return spindle_succeed(r, spindle_str_from_cstr(text), "text/plain");
}

static spindle_status beat(const spindle_request *r) {
    for (int i = 0; i < 25; i++) {
        pause_ms(100);
        r->host->heartbeat(r->ctx, r->handle);
    }
    return spindle_succeed(r, SPINDLE_STR("alive"), NULL);
}

/* Frames of the worker's own protocol, written past the worker: 16 bytes of header each, by their type. */
static void write_frame(unsigned char type, unsigned char length) {
    unsigned char frame[64] = { length, 0, 0, 0, type };
    ssize_t written = write(4, frame, 16u + length);
    (void)written;
}

static void *write_heartbeats(void *unused) {
    (void)unused;
    for (;;) write_frame(39, 0);
    return NULL;
}

static spindle_status flood(const spindle_request *r) {
    pthread_t thread;
    spindle_log(r, SPINDLE_LOG_INFO, "flooding");
    pause_ms(100);
    if (pthread_create(&thread, NULL, write_heartbeats, NULL) == 0) write_heartbeats(NULL);
    return SPINDLE_E_INTERNAL;
}

static spindle_status behave(void *instance, spindle_handle attempt, const spindle_request *r) {
    (void)instance;
    (void)attempt;
    spindle_str t = r->target;
    if (spindle_str_is(t, "ok")) return spindle_succeed(r, SPINDLE_STR(""), NULL);
    if (spindle_str_is(t, "echo")) return spindle_succeed(r, r->payload, "application/octet-stream");
    if (spindle_str_is(t, "param")) return spindle_succeed(r, spindle_param_or(r, "p", "none"), "text/plain");
    if (spindle_str_is(t, "checkpoint")) return spindle_succeed(r, r->checkpoint, NULL);
    if (spindle_str_is(t, "all")) return all(r);
    if (spindle_str_is(t, "retryable")) return spindle_fail(r, SPINDLE_RETRYABLE, "zoo.again", "try again");
    if (spindle_str_is(t, "permanent")) return spindle_fail(r, SPINDLE_PERMANENT, "zoo.never", "never");
    if (spindle_str_is(t, "later")) return retry_after(r);
    if (spindle_str_is(t, "refuse")) return SPINDLE_E_INVALID;
    if (spindle_str_is(t, "nothing")) return SPINDLE_OK;
    if (spindle_str_is(t, "wait")) return until_cancelled(r);
    if (spindle_str_is(t, "daemon")) return leave_daemon(r, 0);
    if (spindle_str_is(t, "daemon-wait")) return leave_daemon(r, 1);
    if (spindle_str_is(t, "beat")) return beat(r);
    if (spindle_str_is(t, "grow")) return grow(r);
    if (spindle_str_is(t, "sleep")) { pause_ms(30); return spindle_succeed(r, SPINDLE_STR("slept"), NULL); }
    if (spindle_str_is(t, "twice")) return twice(r);
    if (spindle_str_is(t, "huge")) return huge(r);
    if (spindle_str_is(t, "print")) { printf("printed\n"); return spindle_succeed(r, SPINDLE_STR(""), NULL); }
    if (spindle_str_is(t, "crash")) { pause_ms(50); *(volatile int *)0 = 1; }
    if (spindle_str_is(t, "abort")) abort();
    if (spindle_str_is(t, "exit")) exit(0);
    if (spindle_str_is(t, "overflow")) in_thread(overflow, r);
    if (spindle_str_is(t, "unnamed")) { r->host->enter(r->ctx, 0); in_thread(crash_unnamed, r); }
    if (spindle_str_is(t, "stop")) raise(SIGSTOP);
    if (spindle_str_is(t, "close")) { for (int fd = 0; fd < 64; fd++) close(fd); pause_ms(100000); }
    if (spindle_str_is(t, "hang")) {
        sigset_t most;
        sigfillset(&most);
        pthread_sigmask(SIG_SETMASK, &most, NULL);
        spindle_log(r, SPINDLE_LOG_INFO, "hanging");
        for (;;) pause_ms(1000);
    }
    if (spindle_str_is(t, "flood")) return flood(r);
    if (spindle_str_is(t, "ready")) { write_frame(17, 28); for (;;) pause_ms(1000); }
    if (spindle_str_is(t, "linger")) {
        spindle_succeed(r, SPINDLE_STR("done"), NULL);
        for (;;) pause_ms(1000);
    }
    return spindle_fail(r, SPINDLE_PERMANENT, "zoo.unknown", "no such behaviour");
}

/* Completes from a thread of its own, a little later. */
static void *complete_later(void *request) {
    const spindle_request *r = request;
    r->host->enter(r->ctx, r->handle);
    behave(NULL, r->handle, r);
    return NULL;
}

static spindle_status behave_async(void *instance, spindle_handle attempt, const spindle_request *r) {
    pthread_t thread;
    pthread_attr_t small;
    (void)instance;
    (void)attempt;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    return pthread_create(&thread, &small, complete_later, (void *)(size_t)r) == 0 ? SPINDLE_PENDING : SPINDLE_E_BUSY;
}

static int32_t takes(const spindle_request *r) { return spindle_str_is(r->target, "mine"); }

static spindle_status create(const spindle_instance_config *config, void **instance) {
    *instance = NULL;
    host = config->host;
    ctx = config->ctx;
    unready = config->config.len > 2 && strstr(config->config.ptr, "\"unready\"") != NULL;
    if (config->config.len > 2 && strstr(config->config.ptr, "\"die\"") != NULL) abort();
    if (config->config.len > 2 && strstr(config->config.ptr, "\"bad\"") != NULL) {
        return spindle_config_error(config, "zoo.config", "bad is not allowed", "/bad");
    }
    return SPINDLE_OK;
}

static const char *const prefixes[] = { "zoo://" };
static const spindle_executor_descriptor serial = {
    .struct_size = sizeof serial, .type = "serial", .execute = behave, .can_execute = takes, .create = create,
    .check = check,
    .target_prefixes = prefixes, .target_prefix_count = 1, .timeout_ms_hint = 60000 };
static const spindle_executor_descriptor parallel = {
    .struct_size = sizeof parallel, .type = "Parallel", .flags = SPINDLE_EXECUTOR_CONCURRENT, .execute = behave };
static const spindle_executor_descriptor async = {
    .struct_size = sizeof async, .type = "async", .flags = SPINDLE_EXECUTOR_CONCURRENT | SPINDLE_EXECUTOR_ASYNC,
    .execute = behave_async };
static const spindle_executor_descriptor *const executors[] = { &serial, &parallel, &async };
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory, .abi_minor = SPINDLE_ABI_MINOR, .executor_count = 3, .executors = executors,
    .plugin_id = "com.example.zoo", .plugin_version = "1.0.0" };
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
