#include "host.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int host_breaches;

static const spindle_executor_descriptor *executor;

/* One attempt at a time: the plugin is not CONCURRENT. */
static struct {
    json_t *end; /* what complete was told; NULL before */
    json_t *log, *progress, *metadata, *error;
    char *artefact;
    size_t artefact_length;
    void *state;
    int64_t cancel_at; /* progress calls until the attempt is cancelled; -1 = never */
    int32_t cancel;
    int busy;          /* so many writes of artefacts get AGAIN */
    bool no_artefacts, artefact_ended, cancel_when_busy;
    pthread_t waker;
    bool waking;
} now;

static void breach(const char *what) {
    fprintf(stderr, "breach of the ABI: %s\n", what);
    host_breaches++;
}

static json_t *text(spindle_str given) {
    json_t *value = json_stringn(given.len == 0 ? "" : given.ptr, given.len);
    if (value != NULL) return value;
    /* Bytes: by hexadecimal digits. */
    char *digits = malloc(2 * given.len + 1);
    for (size_t i = 0; i < given.len; i++) sprintf(digits + 2 * i, "%02x", (unsigned char)given.ptr[i]);
    value = json_pack("{s:s}", "hex", digits);
    free(digits);
    return value;
}

static json_t *error_of(const spindle_error *error) {
    json_t *details = error->details.len == 0 ? json_null() : json_loadb(error->details.ptr, error->details.len, JSON_DECODE_ANY, NULL);
    if (details == NULL) breach("details are not JSON");
    if (error->message.len == 0) breach("an error without a message");
    for (size_t i = 0; i < error->code.len; i++) {
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", error->code.ptr[i]) == NULL) breach("a character in a code");
    }
    if (error->code.len == 0 || error->code.len > SPINDLE_MAX_CODE_BYTES) breach("length of a code");
    return json_pack("{s:o,s:o,s:o,s:o}", "code", text(error->code), "message", text(error->message), "pointer", text(error->pointer),
                     "details", details);
}

static spindle_status complete(spindle_host_ctx *ctx, spindle_handle h, const spindle_result *result) {
    (void)ctx;
    if (h != 7) breach("complete of another handle");
    if (now.end != NULL) return breach("complete twice"), SPINDLE_E_STALE;
    if (result->output.len > SPINDLE_MAX_OUTPUT_BYTES) breach("an output that is too long");
    now.end = json_pack("{s:i,s:o,s:o,s:i}", "outcome", result->outcome, "output", text(result->output), "contentType",
                        text(result->content_type), "outputBytes", (int)result->output.len);
    if (result->error != NULL) {
        json_t *error = error_of(result->error);
        json_object_update(now.end, error);
        json_decref(error);
    }
    for (size_t i = 0; i < result->metadata_count; i++) {
        json_object_setn_new(now.metadata, result->metadata[i].key.ptr, result->metadata[i].key.len, text(result->metadata[i].value));
    }
    return SPINDLE_OK;
}

static spindle_status set_state(spindle_host_ctx *ctx, spindle_handle h, void *state) {
    (void)ctx, (void)h;
    now.state = state;
    return SPINDLE_OK;
}

static spindle_handle enter(spindle_host_ctx *ctx, spindle_handle h) {
    static _Thread_local spindle_handle inside;
    spindle_handle before = inside;
    (void)ctx;
    inside = h;
    errno = EPROTO; /* a host may leave anything there */
    return before;
}

static int32_t cancel_state(spindle_host_ctx *ctx, spindle_handle h) {
    (void)ctx, (void)h;
    return now.cancel;
}

static spindle_status progress(spindle_host_ctx *ctx, spindle_handle h, int64_t done, int64_t total, spindle_str note) {
    (void)ctx, (void)h;
    if (now.end != NULL) breach("progress after complete");
    json_array_append_new(now.progress, json_pack("[I,I,o]", (json_int_t)done, (json_int_t)total, text(note)));
    if (now.cancel_at > 0 && --now.cancel_at == 0) now.cancel = SPINDLE_CANCEL_USER;
    return SPINDLE_OK;
}

static spindle_status log_line(spindle_host_ctx *ctx, spindle_handle h, int32_t level, spindle_str message, const spindle_kv *kv,
                               size_t count) {
    (void)ctx, (void)h;
    json_t *line = json_pack("{s:i,s:o}", "level", level, "message", text(message));
    for (size_t i = 0; i < count; i++) json_object_setn_new(line, kv[i].key.ptr, kv[i].key.len, text(kv[i].value));
    json_array_append_new(now.log, line);
    return SPINDLE_OK;
}

static spindle_status metadata(spindle_host_ctx *ctx, spindle_handle h, spindle_str key, spindle_str value) {
    (void)ctx, (void)h;
    json_object_setn_new(now.metadata, key.ptr, key.len, text(value));
    return SPINDLE_OK;
}

static void *wake(void *state) {
    executor->writable(NULL, 7, state);
    return NULL;
}

static spindle_status artefact_write(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str bytes, uint32_t flags) {
    (void)ctx, (void)h;
    if (bytes.len > SPINDLE_MAX_ARTEFACT_CHUNK_BYTES) return breach("a chunk that is too long"), SPINDLE_E_LIMIT;
    if (!spindle_str_is(name, "output") || now.artefact_ended) breach("the name of an artefact, or bytes after its end");
    if (now.no_artefacts) return SPINDLE_E_DENIED;
    if (now.waking) pthread_join(now.waker, NULL);
    now.waking = false;
    if (now.cancel_when_busy) {
        now.cancel = SPINDLE_CANCEL_USER; /* and never any room */
        return SPINDLE_AGAIN;
    }
    if (now.busy > 0) {
        now.busy--;
        now.waking = pthread_create(&now.waker, NULL, wake, now.state) == 0;
        return SPINDLE_AGAIN;
    }
    now.artefact = realloc(now.artefact, now.artefact_length + bytes.len + 1);
    if (bytes.len > 0) memcpy(now.artefact + now.artefact_length, bytes.ptr, bytes.len);
    now.artefact_length += bytes.len;
    if (flags & SPINDLE_ARTEFACT_LAST) now.artefact_ended = true;
    return SPINDLE_OK;
}

static spindle_status secret_get(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str *value) {
    (void)ctx, (void)h;
    if (!spindle_str_is(name, "word")) return SPINDLE_E_NOT_FOUND;
    *value = SPINDLE_STR("open sesame");
    return SPINDLE_OK;
}

static spindle_status set_error(spindle_host_ctx *ctx, spindle_handle h, const spindle_error *error) {
    (void)ctx, (void)h;
    json_decref(now.error);
    now.error = error_of(error);
    return SPINDLE_OK;
}

static const spindle_host host = {
    .struct_size = sizeof host, .host_name = SPINDLE_STR_INIT("test"), .complete = complete, .set_state = set_state, .enter = enter,
    .cancel_state = cancel_state, .progress = progress, .log = log_line, .metadata = metadata, .artefact_write = artefact_write,
    .secret_get = secret_get, .set_error = set_error,
};

const spindle_executor_descriptor *host_load(const char *path) {
    const spindle_executor_factory *(*entry)(void);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    *(void **)&entry = dlsym(library, "spindle_executor_factory_v1");
    executor = entry()->executors[0];
    return executor;
}

static spindle_instance_config config_of(const char *config) {
    return (spindle_instance_config){ .struct_size = sizeof(spindle_instance_config), .handle = 1, .host = &host,
                                      .type = SPINDLE_STR("native"), .config = spindle_str_from_cstr(config) };
}

static json_t *taken_error(spindle_status status) {
    json_t *answer = json_pack("{s:i}", "status", (int)status);
    if (now.error != NULL) json_object_update(answer, now.error);
    json_decref(now.error);
    now.error = NULL;
    return answer;
}

void *host_create(const char *config, json_t **refusal) {
    spindle_instance_config given = config_of(config);
    void *instance = NULL;
    spindle_status status = executor->create(&given, &instance);
    if (status == SPINDLE_OK) return instance;
    *refusal = taken_error(status);
    return NULL;
}

json_t *host_check(void *instance) { return taken_error(executor->check(instance, 1)); }

static spindle_status put(void *sink, const spindle_executor_descriptor *descriptor) {
    json_t *found = sink;
    json_object_set_new(found, "parameters", json_loads(descriptor->parameters_schema, 0, NULL));
    json_object_set_new(found, "output", json_loads(descriptor->output_schema, 0, NULL));
    json_object_set_new(found, "description", descriptor->description == NULL ? json_null() : json_string(descriptor->description));
    return SPINDLE_OK;
}

json_t *host_describe(const char *config) {
    spindle_instance_config given = config_of(config);
    json_t *found = json_object(), *answer;
    spindle_describe_sink sink = { .struct_size = sizeof sink, .sink = found, .put = put };
    answer = taken_error(executor->describe(&given, &sink));
    json_object_update(answer, found);
    json_decref(found);
    return answer;
}

void host_destroy(void *instance) { executor->destroy(instance); }

int host_would_take(json_t *job) {
    spindle_request request = { .struct_size = sizeof request,
                                .target = spindle_str_from_cstr(json_string_value(json_object_get(job, "target"))),
                                .payload = spindle_str_from_cstr(json_string_value(json_object_get(job, "payload"))) };
    return executor->can_execute(&request);
}

json_t *host_run(void *instance, json_t *job) {
    json_t *parameters = json_object_get(job, "parameters"), *value, *end;
    const char *key, *payload = json_string_value(json_object_get(job, "payload"));
    spindle_kv kvs[128];
    spindle_request request = {
        .struct_size = sizeof request, .handle = 7, .host = &host, .type = SPINDLE_STR("native"),
        .target = spindle_str_from_cstr(json_string_value(json_object_get(job, "target"))),
        .payload = spindle_str_from_cstr(payload), .parameters = kvs,
        .content_type = spindle_str_from_cstr(json_string_value(json_object_get(job, "contentType"))),
        .attempt = 1, .max_failures = -1, .timeout_ms = -1, .deadline_mono_ns = -1,
    };
    spindle_status status;
    json_object_foreach(parameters, key, value) {
        if (request.parameter_count == 128) abort();
        kvs[request.parameter_count].key = spindle_str_from_cstr(key);
        kvs[request.parameter_count++].value = spindle_str_make(json_string_value(value), json_string_length(value));
    }
    memset(&now, 0, sizeof now);
    now.log = json_array();
    now.progress = json_array();
    now.metadata = json_object();
    now.cancel_at = json_integer_value(json_object_get(job, "cancelAtProgress"));
    now.cancel = json_is_true(json_object_get(job, "cancelled")) ? SPINDLE_CANCEL_USER : SPINDLE_CANCEL_NONE;
    now.busy = (int)json_integer_value(json_object_get(job, "busy"));
    now.cancel_when_busy = json_is_true(json_object_get(job, "cancelWhenBusy"));
    now.no_artefacts = json_is_true(json_object_get(job, "noArtefacts"));
    status = executor->execute(instance, request.handle, &request);
    if (status != SPINDLE_OK) breach("execute returned something else than OK");
    if (now.end == NULL) breach("OK without complete"), now.end = json_object();
    if (now.waking) pthread_join(now.waker, NULL);
    executor->release(instance, request.handle, now.state);
    end = now.end;
    json_object_set_new(end, "log", now.log);
    json_object_set_new(end, "progress", now.progress);
    json_object_set_new(end, "metadata", now.metadata);
    if (now.artefact_ended) {
        json_object_set_new(end, "artefactBytes", json_integer((json_int_t)now.artefact_length));
        json_object_set_new(end, "artefact", text(spindle_str_make(now.artefact, now.artefact_length > 100 ? 100 : now.artefact_length)));
    }
    free(now.artefact);
    return end;
}
