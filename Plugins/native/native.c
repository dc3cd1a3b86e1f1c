/* The executor `native`: calls functions of shared libraries by signature. Here is what the host calls. */
#include "artefact.h"
#include "describe.h"
#include "job.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct instance {
    struct config config;
    const spindle_host *host;
    spindle_host_ctx *ctx;
};

/* One job at a time in a process, whatever the number of instances: most libraries do not say that they bear more. */
static pthread_mutex_t serial = PTHREAD_MUTEX_INITIALIZER;

static spindle_status create(const spindle_instance_config *given, void **result) {
    struct problem problem = { 0 };
    struct instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL) return SPINDLE_E_INTERNAL;
    if (config_read(&instance->config, given->config, &problem) != 0) {
        (void)spindle_config_error(given, problem.code, problem.message, problem.pointer);
        config_free(&instance->config);
        free(instance);
        return problem.outcome == SPINDLE_PERMANENT ? SPINDLE_E_CONFIG : SPINDLE_E_INTERNAL;
    }
    instance->host = given->host;
    instance->ctx = given->ctx;
    *result = instance;
    return SPINDLE_OK;
}

static void destroy(void *opaque) {
    struct instance *instance = opaque;
    config_free(&instance->config);
    free(instance);
}

static spindle_status check(void *opaque, spindle_handle handle) {
    struct instance *instance = opaque;
    struct problem problem = { 0 };
    spindle_error error;
    if (config_check(&instance->config, &problem) == 0) return SPINDLE_OK;
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    error.outcome = problem.outcome;
    error.code = spindle_str_from_cstr(problem.code);
    error.message = spindle_str_from_cstr(problem.message);
    if (SPINDLE_OFFERS(instance->host, set_error)) (void)instance->host->set_error(instance->ctx, handle, &error);
    return SPINDLE_E_CONFIG;
}

/* Without a target it has to be a list of calls: other executors have jobs without a target too. */
static int32_t can_execute(const spindle_request *request) {
    spindle_str payload = request->payload;
    if (request->target.len > 0) return request->target.len >= 7 && memcmp(request->target.ptr, "native:", 7) == 0;
    while (payload.len > 0 && strchr(" \t\r\n", *payload.ptr) != NULL) payload.ptr++, payload.len--;
    return payload.len > 0 && *payload.ptr == '{' && memmem(payload.ptr, payload.len, "\"calls\"", 7) != NULL;
}

static spindle_status execute(void *opaque, spindle_handle attempt, const spindle_request *request) {
    struct instance *instance = opaque;
    struct job job;
    (void)attempt;
    memset(&job, 0, sizeof job);
    job.config = &instance->config;
    job.request = request;
    (void)pthread_mutex_lock(&serial);
    if (job_plan(&job) == 0 && job_run(&job) == 0) {
        job_succeed(&job);
    } else {
        job_fail(&job);
    }
    job_free(&job);
    (void)pthread_mutex_unlock(&serial);
    return SPINDLE_OK;
}

static void writable(void *instance, spindle_handle attempt, void *state) {
    (void)instance;
    (void)attempt;
    artefact_wake(state);
}

static void release(void *instance, spindle_handle attempt, void *state) {
    (void)instance;
    (void)attempt;
    artefact_release(state);
}

static const char *const prefixes[] = { "native:" };
/* What functions do is known to the operator alone. */
static const char *const needs[] = { "exec", "jit", "fs:read:*", "fs:write:*", "net:*" };
static const spindle_executor_descriptor native = {
    .struct_size = sizeof native,
    .flags = SPINDLE_EXECUTOR_BLOCKING | SPINDLE_EXECUTOR_NEEDS_ISOLATION,
    .type = "native",
    .target_prefixes = prefixes,
    .target_prefix_count = 1,
    .name = "Native functions",
    .description = "Calls functions of shared libraries by signature.",
    .config_schema = config_schema,
    .parameters_schema = parameters_schema,
    .output_schema = output_schema,
    .needs = needs,
    .need_count = sizeof needs / sizeof *needs,
    .describe = describe,
    .create = create,
    .check = check,
    .can_execute = can_execute,
    .execute = execute,
    .writable = writable,
    .release = release,
    .destroy = destroy,
};
static const spindle_executor_descriptor *const executors[] = { &native };
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory,
    .abi_minor = SPINDLE_ABI_MINOR,
    .executor_count = 1,
    .executors = executors,
    .plugin_id = "spindle.native",
    .plugin_version = "1.0.0",
};

SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
