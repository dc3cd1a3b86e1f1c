#include "fake_host.h"

#include <stdio.h>
#include <stdlib.h>

/* Handles are slot + generation, so that a late use is seen and never hits a later attempt. */
#define SLOTS 8192

static struct {
    struct run *run;
    uint32_t generation;
    void *instance;
} slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct run *releases, **releases_end = &releases;
static int stopping;
static uint64_t made;
static pthread_t releaser;
static const spindle_executor_descriptor *executor;

atomic_int fake_breaches;
const char *fake_key = "";
char fake_last_error[512], fake_last_pointer[200], fake_last_log[512];

static void breach(const char *what) {
    fprintf(stderr, "breach of contract: %s\n", what);
    atomic_fetch_add(&fake_breaches, 1);
}

static void copy_text(char *to, size_t size, spindle_str from) {
    size_t length = from.len < size - 1 ? from.len : size - 1;
    if (length > 0) memcpy(to, from.ptr, length);
    to[length] = '\0';
}

static char *copy_bytes(spindle_str from) {
    char *copy = malloc(from.len + 1);
    if (from.len > 0) memcpy(copy, from.ptr, from.len);
    copy[from.len] = '\0';
    return copy;
}

static struct run *find(spindle_handle h) {
    uint32_t slot = (uint32_t)h;
    return slot < SLOTS && slots[slot].generation == h >> 32 ? slots[slot].run : NULL;
}

/* Under the lock. */
static void settle(struct run *run) {
    if (!run->completed || run->executing || run->cancelling || run->released) return;
    run->released = 1;
    run->next_release = NULL;
    *releases_end = run;
    releases_end = &run->next_release;
    pthread_cond_broadcast(&changed);
}

static spindle_status complete(spindle_host_ctx *ctx, spindle_handle h, const spindle_result *result) {
    struct run *run;
    size_t i;
    (void)ctx;
    pthread_mutex_lock(&lock);
    run = find(h);
    if (run == NULL || run->completed) {
        breach(run == NULL ? "complete of a dead handle" : "complete twice");
        pthread_mutex_unlock(&lock);
        return SPINDLE_E_STALE;
    }
    if (result->struct_size < sizeof *result || result->output.len > SPINDLE_MAX_OUTPUT_BYTES) breach("result");
    run->outcome = result->outcome;
    run->output = copy_bytes(result->output);
    run->output_length = result->output.len;
    run->retry_after_ms = result->retry_after_ms;
    copy_text(run->content_type, sizeof run->content_type, result->content_type);
    if (result->outcome == SPINDLE_SUCCESS && result->error != NULL) breach("success with an error");
    if (result->error != NULL) {
        copy_text(run->code, sizeof run->code, result->error->code);
        copy_text(run->message, sizeof run->message, result->error->message);
        run->details = copy_bytes(result->error->details);
        if (result->error->details.len > SPINDLE_MAX_DETAILS_BYTES) breach("details too long");
    }
    for (i = 0; i < result->metadata_count && i < MOST_METADATA; i++) {
        run->metadata[i][0] = copy_bytes(result->metadata[i].key);
        run->metadata[i][1] = copy_bytes(result->metadata[i].value);
        run->metadata_count++;
    }
    run->completed = 1;
    settle(run);
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_status set_state(spindle_host_ctx *ctx, spindle_handle h, void *state) {
    struct run *run;
    (void)ctx;
    pthread_mutex_lock(&lock);
    run = find(h);
    if (run == NULL) breach("set_state of a dead handle");
    else run->state = state;
    pthread_mutex_unlock(&lock);
    return run == NULL ? SPINDLE_E_STALE : SPINDLE_OK;
}

static _Thread_local spindle_handle entered;

static spindle_handle enter(spindle_host_ctx *ctx, spindle_handle h) {
    spindle_handle before = entered;
    (void)ctx;
    entered = h;
    return before;
}

static int32_t cancel_state(spindle_host_ctx *ctx, spindle_handle h) {
    struct run *run;
    int32_t reason;
    (void)ctx;
    pthread_mutex_lock(&lock);
    run = find(h);
    reason = run == NULL ? SPINDLE_E_STALE : run->cancel_reason;
    pthread_mutex_unlock(&lock);
    return reason;
}

static spindle_status progress(spindle_host_ctx *ctx, spindle_handle h, int64_t done, int64_t total, spindle_str note) {
    struct run *run;
    (void)ctx, (void)done, (void)total;
    pthread_mutex_lock(&lock);
    run = find(h);
    if (run == NULL || run->completed) breach("progress of a dead handle");
    else copy_text(run->note, sizeof run->note, note);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_status secret_get(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str *value) {
    (void)ctx, (void)h;
    if (spindle_str_is(name, "password")) *value = SPINDLE_STR("s3cret-value\n");
    else if (spindle_str_is(name, "wrong")) *value = SPINDLE_STR("another-value");
    else if (spindle_str_is(name, "key")) *value = spindle_str_from_cstr(fake_key);
    else return SPINDLE_E_NOT_FOUND;
    return SPINDLE_OK;
}

static spindle_status set_error(spindle_host_ctx *ctx, spindle_handle h, const spindle_error *error) {
    struct run *run;
    (void)ctx;
    pthread_mutex_lock(&lock);
    copy_text(fake_last_error, sizeof fake_last_error, error->message);
    copy_text(fake_last_pointer, sizeof fake_last_pointer, error->pointer);
    run = find(h);
    if (run != NULL) {
        copy_text(run->code, sizeof run->code, error->code);
        copy_text(run->message, sizeof run->message, error->message);
        copy_text(run->pointer, sizeof run->pointer, error->pointer);
    }
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_status write_log(spindle_host_ctx *ctx, spindle_handle h, int32_t level, spindle_str message,
                                const spindle_kv *kv, size_t count) {
    (void)ctx, (void)h, (void)level, (void)kv, (void)count;
    pthread_mutex_lock(&lock);
    copy_text(fake_last_log, sizeof fake_last_log, message);
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

const void *fake_extension;

static const void *get_extension(spindle_host_ctx *ctx, const char *id) {
    (void)ctx;
    return strcmp(id, "spindle.trigger/1") == 0 ? fake_extension : NULL;
}

static spindle_status heartbeat(spindle_host_ctx *ctx, spindle_handle h) {
    (void)ctx, (void)h;
    return SPINDLE_OK;
}

spindle_host fake_host = {
    .struct_size = sizeof fake_host, .complete = complete, .set_state = set_state, .enter = enter,
    .cancel_state = cancel_state, .heartbeat = heartbeat, .progress = progress, .log = write_log,
    .secret_get = secret_get, .set_error = set_error, .get_extension = get_extension,
};

static void *release_loop(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        struct run *run;
        while (releases == NULL && !stopping) pthread_cond_wait(&changed, &lock);
        if (releases == NULL) break;
        run = releases;
        releases = run->next_release;
        if (releases == NULL) releases_end = &releases;
        pthread_mutex_unlock(&lock);
        executor->release(slots[(uint32_t)run->request.handle].instance, run->request.handle, run->state);
        pthread_mutex_lock(&lock);
        slots[(uint32_t)run->request.handle].run = NULL;
        slots[(uint32_t)run->request.handle].generation++;
        run->released = 2;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

void fake_host_start(const spindle_executor_descriptor *descriptor) {
    executor = descriptor;
    stopping = 0;
    pthread_create(&releaser, NULL, release_loop, NULL);
}

void fake_host_use(const spindle_executor_descriptor *descriptor) {
    pthread_mutex_lock(&lock);
    executor = descriptor;
    pthread_mutex_unlock(&lock);
}

void fake_host_stop(void) {
    size_t i;
    pthread_mutex_lock(&lock);
    stopping = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(releaser, NULL);
    for (i = 0; i < SLOTS; i++) {
        if (slots[i].run != NULL) breach("an attempt is still open");
    }
}

struct run *run_new(void *instance, const char *target) {
    struct run *run = calloc(1, sizeof *run);
    uint32_t slot;
    pthread_mutex_lock(&lock);
    for (slot = 1; slots[slot].run != NULL; slot++) {
    }
    slots[slot].run = run;
    slots[slot].instance = instance;
    if (slots[slot].generation == 0) slots[slot].generation = 1;
    run->request.handle = (uint64_t)slots[slot].generation << 32 | slot;
    snprintf(run->id, sizeof run->id, "00000000-0000-4000-8000-%012llx", (unsigned long long)++made);
    pthread_mutex_unlock(&lock);
    run->request.struct_size = sizeof run->request;
    run->request.host = &fake_host;
    run->request.type = SPINDLE_STR("rabbitmq");
    run->request.target = spindle_str_from_cstr(target);
    run->request.parameters = run->parameters;
    run->request.execution_id = run->request.attempt_id = run->request.idempotency_key = spindle_str_from_cstr(run->id);
    run->request.started_unix_ms = 1700000000000;
    run->request.timeout_ms = 60000;
    run->grace_ms = 1000;
    run->request.deadline_mono_ns = -1;
    run->request.attempt = 1;
    run->request.max_failures = -1;
    return run;
}

void run_param(struct run *run, const char *key, const char *value) {
    run->parameters[run->request.parameter_count].key = spindle_str_from_cstr(key);
    run->parameters[run->request.parameter_count++].value = spindle_str_from_cstr(value);
}

void run_execute(struct run *run) {
    void *instance = slots[(uint32_t)run->request.handle].instance;
    pthread_mutex_lock(&lock);
    run->executing = 1;
    pthread_mutex_unlock(&lock);
    run->returned = executor->execute(instance, run->request.handle, &run->request);
    pthread_mutex_lock(&lock);
    run->executing = 0;
    if (run->returned < 0) {
        if (run->completed) breach("complete and a refusal");
        run->completed = 1;
        run->outcome = run->returned == SPINDLE_E_INVALID ? SPINDLE_PERMANENT : SPINDLE_RETRYABLE;
    } else if (run->returned == SPINDLE_OK && !run->completed) {
        breach("OK without complete");
    }
    settle(run);
    pthread_mutex_unlock(&lock);
}

void run_cancel(struct run *run, int32_t reason) {
    void *instance, *state;
    pthread_mutex_lock(&lock);
    instance = slots[(uint32_t)run->request.handle].instance;
    if (run->released) {
        pthread_mutex_unlock(&lock);
        return;
    }
    run->cancel_reason = reason;
    run->cancelling++;
    state = run->state;
    pthread_mutex_unlock(&lock);
    executor->cancel(instance, run->request.handle, state, reason, run->grace_ms);
    pthread_mutex_lock(&lock);
    run->cancelling--;
    settle(run);
    pthread_mutex_unlock(&lock);
}

void run_wait(struct run *run) {
    pthread_mutex_lock(&lock);
    while (run->released != 2) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

void run_wait_note(struct run *run) {
    pthread_mutex_lock(&lock);
    while (run->note[0] == '\0' && run->released != 2) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

int run_ended(struct run *run) {
    int ended;
    pthread_mutex_lock(&lock);
    ended = run->completed;
    pthread_mutex_unlock(&lock);
    return ended;
}

void run_free(struct run *run) {
    size_t i;
    for (i = 0; i < run->metadata_count; i++) {
        free(run->metadata[i][0]);
        free(run->metadata[i][1]);
    }
    free(run->details);
    free(run->output);
    free(run);
}

const char *run_metadata(const struct run *run, const char *key) {
    size_t i;
    for (i = 0; i < run->metadata_count; i++) {
        if (strcmp(run->metadata[i][0], key) == 0) return run->metadata[i][1];
    }
    return "";
}

void *fake_create(const char *config, spindle_status *status) {
    spindle_instance_config instance_config = {.struct_size = sizeof instance_config, .host = &fake_host};
    void *instance = NULL;
    instance_config.type = SPINDLE_STR("rabbitmq");
    instance_config.config = spindle_str_from_cstr(config);
    *status = executor->create(&instance_config, &instance);
    return *status == SPINDLE_OK ? instance : NULL;
}

void *run_hold(spindle_handle h) {
    struct run *run;
    void *state = NULL;
    pthread_mutex_lock(&lock);
    run = find(h);
    if (run != NULL && !run->completed) {
        run->cancelling++; /* as for a cancel: release waits for it */
        state = run->state;
    }
    pthread_mutex_unlock(&lock);
    return state;
}

void run_unhold(spindle_handle h) {
    struct run *run;
    pthread_mutex_lock(&lock);
    run = find(h);
    run->cancelling--;
    settle(run);
    pthread_mutex_unlock(&lock);
}
