/* The executor `rabbitmq`: publishes a message for each job, or asks and waits for the reply. What a job may ask for is in
 * Docs/executors/rabbitmq.md. */
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "outcome.h"
#include "publisher.h"
#include "thread.h"
#include "trigger.h"

#define CHECK_MOST_NS INT64_C(8000000000)

struct instance {
    struct config config;
    const spindle_host *host;
    spindle_host_ctx *ctx;
    size_t count;
    struct publisher publishers[CONFIG_MOST_CONNECTIONS];
};

static spindle_status start(const spindle_host *host, spindle_host_ctx *ctx) {
    (void)ctx;
    /* An attempt's state reaches cancel and release only through the host. */
    if (!SPINDLE_OFFERS(host, set_state)) return SPINDLE_E_UNSUPPORTED;
    return session_start_library() ? SPINDLE_OK : SPINDLE_E_INTERNAL;
}

static void destroy(void *made) {
    struct instance *instance = made;
    while (instance->count > 0) publisher_destroy(&instance->publishers[--instance->count]);
    config_free(&instance->config);
    free(instance);
}

static spindle_status create(const spindle_instance_config *source, void **made) {
    struct instance *instance;
    struct config_fault fault;
    if (start(source->host, source->ctx) != SPINDLE_OK) return SPINDLE_E_UNSUPPORTED;
    instance = calloc(1, sizeof *instance);
    if (instance == NULL) return SPINDLE_E_BUSY;
    instance->host = source->host;
    instance->ctx = source->ctx;
    if (!config_read(&instance->config, source, &fault)) {
        free(instance);
        return spindle_config_error(source, "rabbitmq.config", fault.message, fault.pointer);
    }
    for (; instance->count < instance->config.count; instance->count++) {
        if (publisher_create(&instance->publishers[instance->count], &instance->config.brokers[instance->count])) continue;
        destroy(instance);
        return SPINDLE_E_BUSY;
    }
    *made = instance;
    return SPINDLE_OK;
}

static void set_error(const spindle_host *host, spindle_host_ctx *ctx, spindle_handle handle, int32_t outcome, const char *code,
                      const char *message, const char *pointer) {
    spindle_error error = {.struct_size = sizeof error, .outcome = outcome};
    error.code = spindle_str_from_cstr(code);
    error.message = spindle_str_from_cstr(message);
    error.pointer = spindle_str_from_cstr(pointer);
    if (SPINDLE_OFFERS(host, set_error)) (void)host->set_error(ctx, handle, &error);
}

static spindle_status check(void *made, spindle_handle handle) {
    struct instance *instance = made;
    const int64_t until_ns = clock_mono_ns() + CHECK_MOST_NS; /* for all connections together */
    struct fault fault;
    size_t i;
    for (i = 0; i < instance->count; i++) {
        if (publisher_check(&instance->publishers[i], until_ns, &fault)) continue;
        set_error(instance->host, instance->ctx, handle, fault.outcome, fault.code, fault.message, NULL);
        return SPINDLE_E_BUSY;
    }
    return SPINDLE_OK;
}

static int32_t can_execute(const spindle_request *request) {
    struct target target;
    return target_read(&target, request->target.ptr, request->target.len) == NULL;
}

/* NULL when the job may go to that connection, else why not. */
static struct publisher *choose(struct instance *instance, const struct message *message, struct message_fault *fault) {
    const struct broker *broker = config_broker(&instance->config, message->target.connection.bytes);
    fault->code = "rabbitmq.target";
    fault->pointer[0] = '\0';
    if (broker == NULL) {
        snprintf(fault->message, sizeof fault->message, "there is no connection \"%.64s\"; an operator can add it to the sidecar",
                 message->target.connection.bytes);
        return NULL;
    }
    if ((message->declare_exchange.len > 0 || message->declare_queue.len > 0) && !broker->allow_declare) {
        (void)message_fail(fault, message->declare_queue.len > 0 ? "DeclareQueue" : "DeclareExchange",
                           "jobs may not declare anything on this connection; an operator can allow it with allowDeclare");
        return NULL;
    }
    return &instance->publishers[broker - instance->config.brokers];
}

static spindle_status execute(void *made, spindle_handle handle, const spindle_request *request) {
    struct attempt *a = attempt_create(handle, request);
    struct publisher *publisher = NULL;
    struct message_fault fault;
    int32_t reason;
    if (a == NULL) return SPINDLE_E_BUSY;
    if (message_read(&a->message, request, &fault)) publisher = choose(made, &a->message, &fault);
    if (publisher == NULL) {
        attempt_free(a);
        set_error(request->host, request->ctx, handle, SPINDLE_PERMANENT, fault.code, fault.message, fault.pointer);
        return SPINDLE_E_INVALID;
    }
    a->publisher = publisher;
    if (request->host->set_state(request->ctx, handle, a) != SPINDLE_OK) {
        attempt_free(a);
        return SPINDLE_E_INTERNAL;
    }
    /* A cancel before set_state got no state to act on. */
    reason = spindle_cancel_state(request);
    if (reason > SPINDLE_CANCEL_NONE) publisher_cancel(a, reason, 0);
    /* If it is refused, release frees it. */
    return publisher_submit(publisher, a);
}

static void cancel(void *made, spindle_handle handle, void *state, int32_t reason, int64_t grace_ms) {
    (void)made, (void)handle;
    if (state != NULL) publisher_cancel(state, reason, grace_ms);
}

static void release(void *made, spindle_handle handle, void *state) {
    (void)made, (void)handle;
    attempt_free(state);
}

static const char *const prefixes[] = {"rabbitmq:", "amqp:"};
/* Files: those that `tls` names. */
static const char *const needs[] = {"net:*", "fs:read:*"};

static const spindle_executor_descriptor rabbitmq = {
    .struct_size = sizeof rabbitmq,
    .flags = SPINDLE_EXECUTOR_ASYNC | SPINDLE_EXECUTOR_CONCURRENT | SPINDLE_EXECUTOR_CANCELLABLE,
    .type = "rabbitmq",
    .target_prefixes = prefixes,
    .target_prefix_count = sizeof prefixes / sizeof *prefixes,
    .name = "RabbitMQ message",
    .vendor = "Spindle",
    .description = "Publishes a message with the broker's confirm, or asks and waits for the reply.",
    .docs_url = "Docs/executors/rabbitmq.md",
    .config_schema = config_schema,
    .parameters_schema = parameters_schema,
    .needs = needs,
    .need_count = sizeof needs / sizeof *needs,
    .concurrency_hint = 256,
    .timeout_ms_hint = 30000,
    .create = create,
    .check = check,
    .can_execute = can_execute,
    .execute = execute,
    .cancel = cancel,
    .release = release,
    .destroy = destroy,
};
static const spindle_executor_descriptor *const executors[] = {&rabbitmq};
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory,
    .abi_minor = SPINDLE_ABI_MINOR,
    .executor_count = 1,
    .executors = executors,
    .plugin_id = "spindle.rabbitmq",
    .plugin_version = "1.0.0",
    .init = start,
    .get_extension = trigger_extension,
};

SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) {
    return &factory;
}
