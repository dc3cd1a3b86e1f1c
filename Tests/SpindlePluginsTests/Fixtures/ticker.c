/* A plugin with a trigger that hands over numbered jobs. Its configuration is read with a finger along the line:
 *   count     so many jobs (0 = no end), each as soon as there is room; then it waits to be told to stop
 *   keys      1 = each has the idempotency key "tick-NUMBER"
 *   oneByOne  1 = the next only after the answer to the one before
 *   outcome   after the last answer it completes as 0 success, 1 retryable, 2 permanent; -1 = it goes on waiting
 *   leaves    1 = it completes without waiting for answers
 *   crash     "PATH": after ten answers it crashes, unless the file is there; then it makes it
 *   type      of the jobs */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spindle/trigger.h>

#ifndef VERSION
#define VERSION 1
#endif
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

typedef struct ticker {
    char config[1024];
    long count, keys, one_by_one, outcome, leaves;
    char type[64], crash[256];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    const spindle_host *host;
    spindle_host_ctx *ctx;
    spindle_handle attempt;
    long handed_over, answered;
    int has_thread, stops;
} ticker;

static long number(const char *config, const char *name, long otherwise) {
    const char *found = strstr(config, name);
    found = found == NULL ? NULL : strchr(found, ':');
    return found == NULL ? otherwise : strtol(found + 1, NULL, 10);
}

static void text(const char *config, const char *name, char *to, size_t capacity) {
    const char *found = strstr(config, name);
    found = found == NULL ? NULL : strchr(found, ':');
    found = found == NULL ? NULL : strchr(found, '"');
    const char *end = found == NULL ? NULL : strchr(found + 1, '"');
    if (end != NULL && (size_t)(end - found) <= capacity) memcpy(to, found + 1, (size_t)(end - found - 1));
}

static spindle_status create(const spindle_instance_config *from, void **instance) {
    ticker *made = calloc(1, sizeof *made);
    if (from->config.len >= sizeof made->config) return SPINDLE_E_CONFIG;
    memcpy(made->config, from->config.ptr, from->config.len);
    made->count = number(made->config, "\"count\"", 1);
    made->keys = number(made->config, "\"keys\"", 0);
    made->one_by_one = number(made->config, "\"oneByOne\"", 0);
    made->outcome = number(made->config, "\"outcome\"", -1);
    made->leaves = number(made->config, "\"leaves\"", 0);
    strcpy(made->type, "probe");
    text(made->config, "\"type\"", made->type, sizeof made->type - 1);
    text(made->config, "\"crash\"", made->crash, sizeof made->crash - 1);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->changed, NULL);
    made->host = from->host;
    made->ctx = from->ctx;
    *instance = made;
    return SPINDLE_OK;
}

static void destroy(void *instance) { free(instance); }

static void end(ticker *self, int32_t outcome) {
    const spindle_error error = { .struct_size = sizeof error, .code = SPINDLE_STR("ticker.ended"),
                                  .message = SPINDLE_STR("it has ticked enough") };
    const spindle_result result = { .struct_size = sizeof result, .outcome = outcome,
                                    .error = outcome == SPINDLE_SUCCESS ? NULL : &error };
    self->host->complete(self->ctx, self->attempt, &result);
}

static spindle_status hand_over(ticker *self, const spindle_trigger_host *triggers, long tick) {
    char name[32], key[40];
    spindle_kv parameters[] = { { SPINDLE_STR("tick"), spindle_str_make(name, (size_t)snprintf(name, sizeof name, "%ld", tick)) },
                                { SPINDLE_STR("version"), SPINDLE_STR(TEXT(VERSION)) } };
    const spindle_submission job = {
        .struct_size = sizeof job,
        .type = spindle_str_make(self->type, strlen(self->type)),
        .target = SPINDLE_STR("tick"),
        .parameters = parameters,
        .parameter_count = 2,
        .payload = SPINDLE_STR("payload"),
        .content_type = SPINDLE_STR("text/plain"),
        .idempotency_key = self->keys ? spindle_str_make(key, (size_t)snprintf(key, sizeof key, "tick-%ld", tick))
                                      : spindle_str_make(NULL, 0),
        .start_by_unix_ms = -1,
    };
    return triggers->submit(self->ctx, self->attempt, (uint64_t)tick, &job);
}

static void *tick(void *argument) {
    ticker *self = argument;
    const spindle_trigger_host *triggers = self->host->get_extension(self->ctx, SPINDLE_TRIGGER_ID);
    self->host->enter(self->ctx, self->attempt);
    pthread_mutex_lock(&self->lock);
    while (!self->stops && (self->count == 0 || self->handed_over < self->count)) {
        if (self->one_by_one && self->answered < self->handed_over) {
            pthread_cond_wait(&self->changed, &self->lock);
            continue;
        }
        long answered = self->answered;
        spindle_status status = hand_over(self, triggers, self->handed_over);
        if (status == SPINDLE_OK) self->handed_over++;
        else if (status == SPINDLE_AGAIN) while (!self->stops && self->answered == answered) pthread_cond_wait(&self->changed, &self->lock);
        else break;
    }
    while (!self->stops && !self->leaves && (self->answered < self->handed_over || self->outcome < 0)) pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
    end(self, self->stops ? SPINDLE_CANCELLED : (int32_t)self->outcome);
    return NULL;
}

static spindle_status run(void *instance, spindle_handle attempt, const spindle_request *request) {
    ticker *self = instance;
    (void)request;
    self->attempt = attempt;
    self->handed_over = self->answered = 0;
    self->stops = 0;
    self->host->set_state(self->ctx, attempt, self);
    self->has_thread = pthread_create(&self->thread, NULL, tick, self) == 0;
    return self->has_thread ? SPINDLE_PENDING : SPINDLE_E_INTERNAL;
}

static void submitted(void *instance, spindle_handle attempt, void *state, const spindle_submitted *answer) {
    ticker *self = instance;
    (void)attempt;
    (void)state;
    (void)answer;
    pthread_mutex_lock(&self->lock);
    self->answered++;
    int crashes = self->crash[0] != 0 && self->answered == 10;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    if (crashes) {
        int fd = open(self->crash, O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (fd >= 0) abort();
    }
}

static void cancel(void *instance, spindle_handle attempt, void *state, int32_t reason, int64_t grace_ms) {
    ticker *self = instance;
    (void)attempt, (void)state, (void)reason, (void)grace_ms;
    pthread_mutex_lock(&self->lock);
    self->stops = 1;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

static void release(void *instance, spindle_handle attempt, void *state) {
    ticker *self = instance;
    (void)attempt, (void)state;
    if (self->has_thread) pthread_join(self->thread, NULL);
}

static spindle_status idle(void *instance, spindle_handle attempt, const spindle_request *request) {
    const spindle_trigger_host *triggers = request->host->get_extension(request->ctx, SPINDLE_TRIGGER_ID);
    const spindle_submission job = { .struct_size = sizeof job, .type = SPINDLE_STR("probe"), .start_by_unix_ms = -1 };
    (void)instance;
    /* An executor is no trigger: what it hands over is not taken. */
    spindle_status status = triggers == NULL ? SPINDLE_E_NOT_FOUND : triggers->submit(request->ctx, attempt, 1, &job);
    return spindle_succeed(request, status == SPINDLE_E_UNSUPPORTED ? SPINDLE_STR("refused") : SPINDLE_STR("taken"), "text/plain");
}

static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = "idle", .execute = idle };
static const spindle_executor_descriptor *const kinds[] = { &kind };
static const char *const needs[] = { "fs:write:*" };
static const spindle_executor_descriptor watch = {
    .struct_size = sizeof watch, .type = "ticker", .flags = SPINDLE_EXECUTOR_ASYNC | SPINDLE_EXECUTOR_CANCELLABLE,
    .config_schema = "{\"type\":\"object\",\"properties\":{\"count\":{\"type\":\"integer\",\"minimum\":0}}}",
    .needs = needs, .need_count = 1, .create = create, .destroy = destroy, .execute = run, .cancel = cancel, .release = release,
};
static const spindle_trigger_descriptor trigger = { .struct_size = sizeof trigger, .executor = &watch, .submitted = submitted };
static const spindle_trigger_descriptor *const triggers[] = { &trigger };
static const spindle_trigger_factory offer = { .struct_size = sizeof offer, .trigger_count = 1, .triggers = triggers };

static const void *get_extension(const char *id) { return strcmp(id, SPINDLE_TRIGGER_ID) == 0 ? &offer : NULL; }

static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1, .executors = kinds,
    .plugin_id = "com.example.ticker", .plugin_version = "1." TEXT(VERSION) ".0", .get_extension = get_extension };
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
