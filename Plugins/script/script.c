/* The executor `script`: runs a program with an array of arguments. Here is what the host calls. */
#include "supervisor.h"

#include <stdlib.h>
#include <string.h>

static void report(const spindle_host *host, spindle_host_ctx *ctx, spindle_handle handle, const struct problem *problem) {
    spindle_error error;
    if (!SPINDLE_OFFERS(host, set_error)) return;
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    error.outcome = problem->outcome;
    error.code = spindle_str_from_cstr(problem->code);
    error.message = spindle_str_from_cstr(problem->message);
    error.pointer = spindle_str_from_cstr(problem->pointer);
    (void)host->set_error(ctx, handle, &error);
}

struct instance {
    struct config config;
    const spindle_host *host;
    spindle_host_ctx *ctx;
};

static spindle_status create(const spindle_instance_config *given, void **result) {
    struct problem problem;
    struct instance *instance = calloc(1, sizeof *instance);
    memset(&problem, 0, sizeof problem);
    /* Without it nothing could be attached to an attempt, and so nothing freed after it. */
    if (!SPINDLE_OFFERS(given->host, set_state)) {
        free(instance);
        return SPINDLE_E_UNSUPPORTED;
    }
    if (instance == NULL) return SPINDLE_E_INTERNAL;
    if (config_read(&instance->config, given->config, &problem) != 0) {
        report(given->host, given->ctx, given->handle, &problem);
        config_free(&instance->config);
        free(instance);
        return problem.outcome == SPINDLE_PERMANENT ? SPINDLE_E_CONFIG : SPINDLE_E_INTERNAL;
    }
    instance->host = given->host;
    instance->ctx = given->ctx;
    *result = instance;
    return SPINDLE_OK;
}

/* Every attempt of it is complete, so every program of it has ended and was reaped. */
static void destroy(void *opaque) {
    struct instance *instance = opaque;
    config_free(&instance->config);
    free(instance);
}

static spindle_status check(void *opaque, spindle_handle handle) {
    const struct instance *instance = opaque;
    struct problem problem;
    memset(&problem, 0, sizeof problem);
    if (config_check(&instance->config, &problem) == 0) return SPINDLE_OK;
    report(instance->host, instance->ctx, handle, &problem);
    return SPINDLE_E_CONFIG;
}

static int32_t can_execute(const spindle_request *request) {
    spindle_str target = request->target;
    size_t i;
    if (target.len >= 7 && memcmp(target.ptr, "script:", 7) == 0) return 1;
    if (target.len > 0) return target.ptr[0] == '/' ? 1 : 0;
    for (i = 0; i < request->parameter_count; i++) {
        if (str_is_ignoring_case(request->parameters[i].key, "Shell") ||
            str_is_ignoring_case(request->parameters[i].key, "Script")) {
            return 1;
        }
    }
    return 0;
}

static spindle_status execute(void *opaque, spindle_handle attempt, const spindle_request *request) {
    const struct instance *instance = opaque;
    const spindle_host *host = request->host;
    struct problem problem;
    struct run *run;
    int32_t reason;
    memset(&problem, 0, sizeof problem);
    run = run_make(&instance->config, request, &problem);
    if (run == NULL) {
        result_refused(request, &problem);
        return SPINDLE_OK;
    }
    if (host->set_state(request->ctx, attempt, run) != SPINDLE_OK) {
        (void)workdir_remove_empty(&run->home);
        run_free(run);
        return SPINDLE_E_INTERNAL;
    }
    /* A cancel that came before set_state could not find the run. */
    reason = spindle_cancel_state(request);
    if (reason > SPINDLE_CANCEL_NONE) run_ask_to_end(run, reason, -1);
    if (supervisor_submit(run, &problem) != 0) {
        (void)workdir_remove_empty(&run->home);
        result_refused(request, &problem);
        return SPINDLE_OK;
    }
    return SPINDLE_PENDING;
}

static void cancel(void *instance, spindle_handle attempt, void *state, int32_t reason, int64_t grace_ms) {
    (void)instance;
    (void)attempt;
    if (state == NULL) return; /* execute looks at cancel_state after it has set one */
    run_ask_to_end(state, reason, grace_ms);
    supervisor_wake_for_cancel();
}

static void writable(void *instance, spindle_handle attempt, void *state) {
    (void)instance;
    (void)attempt;
    if (state != NULL) janitor_has_room(state);
}

static void release(void *instance, spindle_handle attempt, void *state) {
    (void)instance;
    (void)attempt;
    if (state != NULL) run_free(state);
}

static const char *const prefixes[] = { "script:" };
/* What scripts do is known to the operator alone. */
static const char *const needs[] = { "exec", "jit", "fs:read:*", "fs:write:*", "net:*" };
static const spindle_executor_descriptor script = {
    .struct_size = sizeof script,
    .flags = SPINDLE_EXECUTOR_ASYNC | SPINDLE_EXECUTOR_CONCURRENT | SPINDLE_EXECUTOR_CANCELLABLE,
    .type = "script",
    .target_prefixes = prefixes,
    .target_prefix_count = 1,
    .name = "Script",
    .description = "Runs a program with an array of arguments, or a script by an interpreter: with limits, as a user, with a report and artefacts.",
    .config_schema = config_schema,
    .parameters_schema = parameters_schema,
    .needs = needs,
    .need_count = sizeof needs / sizeof *needs,
    .create = create,
    .check = check,
    .can_execute = can_execute,
    .execute = execute,
    .cancel = cancel,
    .release = release,
    .destroy = destroy,
    .writable = writable,
};
static const spindle_executor_descriptor *const executors[] = { &script };
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory,
    .abi_minor = SPINDLE_ABI_MINOR,
    .executor_count = 1,
    .executors = executors,
    .plugin_id = "spindle.script",
    .plugin_version = "1.0.0",
    .shutdown = supervisor_stop,
};

SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
