/* The executor `http`: one HTTP request a job, hundreds at once on one thread. What a job may ask for is in
 * Docs/executors/http.md. */
#include <spindle/executor.h>

#include <pthread.h>
#include <stdlib.h>

#include "attempt.h"
#include "loop.h"
#include "outcome.h"
#include "transfer.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_state = CURLE_FAILED_INIT;

static void start_curl(void) {
    json_object_seed(0); /* else the first object would, from whatever thread */
    global_state = curl_global_init(CURL_GLOBAL_DEFAULT);
    route_init();
}

static spindle_status http_init(const spindle_host *host, spindle_host_ctx *ctx) {
    (void)ctx;
    /* An attempt's state reaches cancel and release only through the host. */
    if (!SPINDLE_OFFERS(host, set_state)) return SPINDLE_E_UNSUPPORTED;
    pthread_once(&once, start_curl);
    return global_state == CURLE_OK ? SPINDLE_OK : SPINDLE_E_INTERNAL;
}

static void free_instance(struct instance *instance) {
    config_free(&instance->config);
    attempts_free(instance);
    free(instance->metadata);
    free(instance);
}

static spindle_status http_create(const spindle_instance_config *config, void **made) {
    struct instance *instance;
    struct config_fault fault;
    pthread_once(&once, start_curl);
    if (global_state != CURLE_OK || !SPINDLE_OFFERS(config->host, set_state)) return SPINDLE_E_UNSUPPORTED;
    instance = calloc(1, sizeof *instance);
    if (instance == NULL) return SPINDLE_E_BUSY;
    if (!config_read(&instance->config, config, &fault)) {
        free(instance);
        return spindle_config_error(config, "http.config", fault.message, fault.pointer);
    }
    attempts_init(instance);
    instance->metadata = malloc(sizeof *instance->metadata);
    if (instance->metadata == NULL || loop_create(instance) == NULL) {
        free_instance(instance);
        return SPINDLE_E_BUSY;
    }
    *made = instance;
    return SPINDLE_OK;
}

static void http_destroy(void *made) {
    struct instance *instance = made;
    loop_destroy(instance->loop);
    free_instance(instance);
}

static int32_t http_can_execute(const spindle_request *request) {
    return text_starts_nocase(request->target.ptr, request->target.len, "http://") ||
           text_starts_nocase(request->target.ptr, request->target.len, "https://");
}

static spindle_status refuse(const spindle_request *request, const struct request_fault *fault) {
    spindle_error error = {.struct_size = sizeof error, .outcome = SPINDLE_PERMANENT};
    error.code = spindle_str_from_cstr(fault->code);
    error.message = spindle_str_from_cstr(fault->message);
    error.pointer = spindle_str_from_cstr(fault->pointer);
    if (SPINDLE_OFFERS(request->host, set_error)) {
        (void)request->host->set_error(request->ctx, request->handle, &error);
    }
    return fault->status;
}

static spindle_status http_execute(void *made, spindle_handle handle, const spindle_request *request) {
    struct attempt *a = attempt_create(made, handle, request);
    struct request_fault fault;
    if (a == NULL) return SPINDLE_E_BUSY;
    if (!request_read(&a->request, request, &a->instance->config, &fault)) {
        attempt_free(a);
        return refuse(request, &fault);
    }
    if (request->host->set_state(request->ctx, handle, a) != SPINDLE_OK) {
        attempt_free(a);
        return SPINDLE_E_INTERNAL;
    }
    /* A cancel before set_state got no state to act on. */
    if (spindle_cancel_state(request) != SPINDLE_CANCEL_NONE) loop_cancel(a);
    else loop_submit(a);
    return SPINDLE_PENDING;
}

static void http_cancel(void *made, spindle_handle handle, void *state, int32_t reason, int64_t grace_ms) {
    (void)made, (void)handle, (void)reason, (void)grace_ms;
    if (state != NULL) loop_cancel(state);
}

static void http_writable(void *made, spindle_handle handle, void *state) {
    (void)made, (void)handle;
    if (state != NULL) loop_writable(state);
}

static void http_release(void *made, spindle_handle handle, void *state) {
    (void)made, (void)handle;
    attempt_free(state);
}

static const char *const prefixes[] = {"http://", "https://"};
static const char *const needs[] = {"net:*", "fs:read:*"};

static const spindle_executor_descriptor http = {
    .struct_size = sizeof http,
    .flags = SPINDLE_EXECUTOR_ASYNC | SPINDLE_EXECUTOR_CONCURRENT | SPINDLE_EXECUTOR_CANCELLABLE,
    .type = "http",
    .target_prefixes = prefixes,
    .target_prefix_count = sizeof prefixes / sizeof *prefixes,
    .name = "HTTP request",
    .vendor = "Spindle",
    .description = "Sends one HTTP request and keeps the response.",
    .docs_url = "Docs/executors/http.md",
    .config_schema = config_schema,
    .parameters_schema = parameters_schema,
    .needs = needs,
    .need_count = sizeof needs / sizeof *needs,
    .concurrency_hint = 256,
    .timeout_ms_hint = 30000,
    .create = http_create,
    .can_execute = http_can_execute,
    .execute = http_execute,
    .cancel = http_cancel,
    .release = http_release,
    .destroy = http_destroy,
    .writable = http_writable,
};
static const spindle_executor_descriptor *const executors[] = {&http};
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory,
    .abi_minor = SPINDLE_ABI_MINOR,
    .executor_count = 1,
    .executors = executors,
    .plugin_id = "spindle.http",
    .plugin_version = "1.0.0",
    .init = http_init,
    .shutdown = resolver_stop,
};

SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) {
    return &factory;
}
