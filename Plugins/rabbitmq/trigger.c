/* The trigger `rabbitmq`: messages of a queue become submissions. */
#include "trigger.h"

#include <stdlib.h>
#include <string.h>

#include "consumer.h"
#include "thread.h"

struct instance {
    struct trigger_config config;
    pthread_t thread;
    bool started;
};

static bool read_number(const json_t *root, const char *key, int64_t least, int64_t most, int64_t otherwise, int64_t *value) {
    const json_t *node = json_object_get(root, key);
    *value = node == NULL ? otherwise : json_is_integer(node) ? json_integer_value(node) : least - 1;
    return *value >= least && *value <= most;
}

static bool read_config(struct trigger_config *config, const spindle_instance_config *source, struct config_fault *fault) {
    const json_t *root = config->root, *queue = json_object_get(root, "queue");
    int64_t prefetch;
    if (!broker_read(&config->broker, "connection", json_object_get(root, "connection"), "/connection", source, fault)) return false;
    if (!json_is_string(queue) || json_string_length(queue) == 0 || json_string_length(queue) > 255) {
        return config_wrong(fault, "/queue", "queue has to be the name of a queue");
    }
    config->queue = json_string_value(queue);
    if (!read_number(root, "prefetch", 1, SPINDLE_MAX_SUBMISSIONS, 20, &prefetch)) {
        return config_wrong(fault, "/prefetch", "prefetch has to be a whole number from 1 to 1000");
    }
    config->prefetch = (int)prefetch;
    if (!read_number(root, "retryDelayMs", 10, 600000, 1000, &config->retry_delay_ms)) {
        return config_wrong(fault, "/retryDelayMs", "retryDelayMs has to be a whole number from 10 to 600000");
    }
    return mapping_read(&config->mapping, root, fault);
}

static void destroy(void *made) {
    struct instance *instance = made;
    if (instance->started) pthread_join(instance->thread, NULL);
    json_decref(instance->config.root);
    free(instance);
}

static spindle_status create(const spindle_instance_config *source, void **made) {
    struct instance *instance;
    struct config_fault fault;
    if (!SPINDLE_OFFERS(source->host, set_state) || !session_start_library()) return SPINDLE_E_UNSUPPORTED;
    instance = calloc(1, sizeof *instance);
    if (instance == NULL) return SPINDLE_E_BUSY;
    instance->config.root = config_parse(source, &fault);
    if (instance->config.root == NULL || !read_config(&instance->config, source, &fault)) {
        destroy(instance);
        return spindle_config_error(source, "rabbitmq.config", fault.message, fault.pointer);
    }
    *made = instance;
    return SPINDLE_OK;
}

static spindle_status execute(void *made, spindle_handle handle, const spindle_request *request) {
    struct instance *instance = made;
    const spindle_trigger_host *extension = SPINDLE_OFFERS(request->host, get_extension)
                                                ? request->host->get_extension(request->ctx, SPINDLE_TRIGGER_ID)
                                                : NULL;
    struct consumer *consumer;
    if (extension == NULL || !SPINDLE_OFFERS(extension, submit)) return SPINDLE_E_UNSUPPORTED;
    if (instance->started) {
        /* The thread of the attempt before, which has completed: it has nothing left to do. */
        pthread_join(instance->thread, NULL);
        instance->started = false;
    }
    consumer = consumer_create(&instance->config, extension, request);
    if (consumer == NULL) return SPINDLE_E_BUSY;
    if (request->host->set_state(request->ctx, handle, consumer) != SPINDLE_OK) {
        consumer_free(consumer);
        return SPINDLE_E_INTERNAL;
    }
    /* A cancel before set_state got no state to act on. */
    if (spindle_cancel_state(request) != SPINDLE_CANCEL_NONE) consumer_stop(consumer, 0);
    instance->started = thread_start(&instance->thread, "amqp-consume", consumer_run, consumer);
    return instance->started ? SPINDLE_PENDING : SPINDLE_E_BUSY; /* release frees it */
}

static void cancel(void *made, spindle_handle handle, void *state, int32_t reason, int64_t grace_ms) {
    (void)made, (void)handle, (void)reason;
    if (state != NULL) consumer_stop(state, grace_ms);
}

static void release(void *made, spindle_handle handle, void *state) {
    (void)made, (void)handle;
    consumer_free(state);
}

static void submitted(void *made, spindle_handle handle, void *state, const spindle_submitted *answer) {
    (void)made, (void)handle;
    if (state == NULL) return;
    if (answer->status < 0) {
        consumer_log(state, SPINDLE_LOG_WARNING, "the host did not take a message: %.*s (%.*s)",
                     (int)(answer->error.message.len < 500 ? answer->error.message.len : 500), answer->error.message.ptr,
                     (int)(answer->error.code.len < 64 ? answer->error.code.len : 64), answer->error.code.ptr);
    }
    consumer_answer(state, answer->token, answer->status);
}

/* Files: those that `tls` names. */
static const char *const needs[] = {"net:*", "fs:read:*"};
static const spindle_executor_descriptor executor = {
    .struct_size = sizeof executor,
    .flags = SPINDLE_EXECUTOR_ASYNC | SPINDLE_EXECUTOR_CANCELLABLE,
    .type = "rabbitmq",
    .name = "RabbitMQ queue",
    .vendor = "Spindle",
    .description = "Takes the messages of a queue and submits a job for each.",
    .docs_url = "Docs/executors/rabbitmq.md",
    .config_schema = trigger_config_schema,
    .needs = needs,
    .need_count = sizeof needs / sizeof *needs,
    .create = create,
    .execute = execute,
    .cancel = cancel,
    .release = release,
    .destroy = destroy,
};
static const spindle_trigger_descriptor trigger = {
    .struct_size = sizeof trigger, .executor = &executor, .submitted = submitted};
static const spindle_trigger_descriptor *const triggers[] = {&trigger};
static const spindle_trigger_factory factory = {.struct_size = sizeof factory, .trigger_count = 1, .triggers = triggers};

const void *trigger_extension(const char *id) {
    return strcmp(id, SPINDLE_TRIGGER_ID) == 0 ? &factory : NULL;
}
