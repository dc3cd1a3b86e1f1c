/* A host for one plugin, driven by lines of JSON: it starts attempts on threads of their own, cancels them, and holds the plugin
 * to the rules of the ABI. What it is told comes by standard input, what happens goes to standard output.
 *
 *   host PLUGIN.so DIRECTORY < commands
 *     {"op": "create", "config": {…}, "secrets": {NAME: VALUE}}
 *     {"op": "start", "id": 1, "target": "…", "parameters": {…}, "payload": "…", "again": 3, "deadline": 5000}
 *     {"op": "cancel", "id": 1, "reason": 1}
 *     {"op": "check"}
 *     {"op": "quit"}                                  after all attempts have ended
 *
 * Artefacts become files ID-NAME in DIRECTORY. "again": every so many chunks one is not taken at first; below 0 none ever is. A host
 * made with "artefacts": false offers none. */
#include <spindle/executor.h>

#include <dlfcn.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST_ATTEMPTS 4096

struct attempt {
    spindle_request request;
    spindle_kv *parameters;
    json_t *command;
    void *state;
    int id, again, writes;
    bool returned, completed, released, refused_write;
    int cancelling, waking;
    int32_t cancel_state;
    json_t *artefacts, *logs;
    pthread_t thread;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static const spindle_executor_descriptor *executor;
static void *instance;
static json_t *secrets;
static const char *directory;
static struct attempt *attempts[MOST_ATTEMPTS];
static _Atomic int attempt_count; /* an attempt is in the array before it counts */
static int open_attempts;
static json_t *last_error;

static void say(json_t *event) {
    char *line = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII);
    flockfile(stdout);
    puts(line);
    fflush(stdout);
    funlockfile(stdout);
    free(line);
    json_decref(event);
}

static void breach(const char *what) { say(json_pack("{s:s, s:s}", "event", "breach", "what", what)); }

static json_t *text_of(spindle_str text) {
    json_t *json = json_stringn(text.len ? text.ptr : "", text.len);
    return json != NULL ? json : json_string("(not UTF-8)");
}

static struct attempt *of(spindle_handle h) { return h > 0 && h <= (spindle_handle)attempt_count ? attempts[h - 1] : NULL; }

static spindle_status complete(spindle_host_ctx *ctx, spindle_handle h, const spindle_result *result) {
    struct attempt *a = of(h);
    json_t *event, *metadata = json_object();
    size_t i;
    (void)ctx;
    pthread_mutex_lock(&lock);
    if (a->completed) breach("complete was called twice");
    if (result->output.len > SPINDLE_MAX_OUTPUT_BYTES) breach("the output is too long");
    a->completed = true;
    for (i = 0; i < result->metadata_count; i++) {
        char key[257];
        snprintf(key, sizeof key, "%.*s", (int)result->metadata[i].key.len, result->metadata[i].key.ptr);
        json_object_set_new(metadata, key, text_of(result->metadata[i].value));
    }
    event = json_pack("{s:s, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "event", "done", "id", a->id, "outcome", (int)result->outcome, "output",
                      text_of(result->output), "type", text_of(result->content_type), "metadata", metadata, "artefacts",
                      json_incref(a->artefacts), "logs", json_incref(a->logs));
    if (result->error != NULL) {
        json_object_set_new(event, "code", text_of(result->error->code));
        json_object_set_new(event, "message", text_of(result->error->message));
        json_object_set_new(event, "pointer", text_of(result->error->pointer));
        if (result->error->details.len > 0) {
            json_t *details = json_loadb(result->error->details.ptr, result->error->details.len, JSON_DECODE_ANY, NULL);
            if (details == NULL) breach("the details are not JSON");
            else json_object_set_new(event, "details", details);
        }
    }
    say(event);
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_status set_state(spindle_host_ctx *ctx, spindle_handle h, void *state) {
    (void)ctx;
    pthread_mutex_lock(&lock);
    of(h)->state = state;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static int32_t cancel_state(spindle_host_ctx *ctx, spindle_handle h) {
    int32_t state;
    (void)ctx;
    pthread_mutex_lock(&lock);
    state = of(h)->cancel_state;
    pthread_mutex_unlock(&lock);
    return state;
}

static spindle_status progress(spindle_host_ctx *ctx, spindle_handle h, int64_t done, int64_t total, spindle_str note) {
    (void)ctx, (void)done, (void)total, (void)note;
    return of(h)->completed ? SPINDLE_E_STALE : SPINDLE_OK;
}

static spindle_status log_line(spindle_host_ctx *ctx, spindle_handle h, int32_t level, spindle_str message, const spindle_kv *kv,
                               size_t count) {
    struct attempt *a = of(h);
    (void)ctx, (void)kv, (void)count;
    if (level >= SPINDLE_LOG_WARNING) say(json_pack("{s:s, s:o}", "event", "warning", "text", text_of(message)));
    if (a == NULL) return SPINDLE_OK;
    pthread_mutex_lock(&lock);
    json_array_append_new(a->logs, text_of(message));
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static void *say_writable(void *opaque) {
    struct attempt *a = opaque;
    executor->writable(instance, a->request.handle, a->state);
    pthread_mutex_lock(&lock);
    a->waking--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static spindle_status artefact_write(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str bytes, uint32_t flags) {
    struct attempt *a = of(h);
    char path[4096], key[300];
    FILE *file;
    (void)ctx;
    if (bytes.len > SPINDLE_MAX_ARTEFACT_CHUNK_BYTES) return SPINDLE_E_LIMIT;
    if (a->again < 0) {
        say(json_pack("{s:s}", "event", "stalled"));
        return SPINDLE_AGAIN;
    }
    pthread_mutex_lock(&lock);
    if (a->again > 0 && ++a->writes % a->again == 0 && !a->refused_write) {
        pthread_t thread;
        a->refused_write = true;
        a->waking++;
        pthread_create(&thread, NULL, say_writable, a);
        pthread_detach(thread);
        pthread_mutex_unlock(&lock);
        return SPINDLE_AGAIN;
    }
    a->refused_write = false;
    snprintf(key, sizeof key, "%.*s", (int)name.len, name.ptr);
    snprintf(path, sizeof path, "%s/%d-%s", directory, a->id, key);
    file = fopen(path, "ab");
    fwrite(bytes.ptr, 1, bytes.len, file);
    fclose(file);
    if (flags & SPINDLE_ARTEFACT_LAST) json_array_append_new(a->artefacts, json_string(key));
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_status secret_get(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str *value) {
    char key[300];
    const json_t *found;
    (void)ctx, (void)h;
    snprintf(key, sizeof key, "%.*s", (int)name.len, name.ptr);
    found = json_object_get(secrets, key);
    if (found == NULL) return SPINDLE_E_NOT_FOUND;
    *value = spindle_str_make(json_string_value(found), json_string_length(found));
    return SPINDLE_OK;
}

static spindle_status set_error(spindle_host_ctx *ctx, spindle_handle h, const spindle_error *error) {
    (void)ctx, (void)h;
    pthread_mutex_lock(&lock);
    json_decref(last_error);
    last_error = json_pack("{s:o, s:o, s:o}", "code", text_of(error->code), "message", text_of(error->message), "pointer",
                           text_of(error->pointer));
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_host host = {
    .struct_size = sizeof host, .host_name = SPINDLE_STR_INIT("test"), .complete = complete, .set_state = set_state,
    .cancel_state = cancel_state, .progress = progress, .log = log_line, .artefact_write = artefact_write, .secret_get = secret_get,
    .set_error = set_error,
};

static void *run_attempt(void *opaque) {
    struct attempt *a = opaque;
    spindle_status status = executor->execute(instance, a->request.handle, &a->request);
    pthread_mutex_lock(&lock);
    if (status == SPINDLE_OK && !a->completed) breach("execute returned OK without complete");
    while (a->cancelling > 0 || a->waking > 0) pthread_cond_wait(&changed, &lock);
    a->released = true;
    pthread_mutex_unlock(&lock);
    executor->release(instance, a->request.handle, a->state);
    pthread_mutex_lock(&lock);
    open_attempts--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void start(json_t *command) {
    struct attempt *a = calloc(1, sizeof *a);
    json_t *given = json_object_get(command, "parameters"), *value;
    const char *key;
    int64_t deadline = json_integer_value(json_object_get(command, "deadline"));
    struct timespec now;
    spindle_str payload = { json_string_value(json_object_get(command, "payload")),
                            json_string_length(json_object_get(command, "payload")) };
    a->command = json_incref(command);
    a->id = (int)json_integer_value(json_object_get(command, "id"));
    a->again = (int)json_integer_value(json_object_get(command, "again"));
    a->artefacts = json_array();
    a->logs = json_array();
    a->parameters = calloc(json_object_size(given) + 1, sizeof *a->parameters);
    a->request = (spindle_request){
        .struct_size = sizeof a->request, .handle = (spindle_handle)attempt_count + 1, .host = &host, .type = SPINDLE_STR("sql"),
        .target = spindle_str_from_cstr(json_string_value(json_object_get(command, "target"))), .parameters = a->parameters,
        .payload = payload, .attempt = 1, .max_failures = -1, .timeout_ms = -1, .deadline_mono_ns = -1,
    };
    if (deadline > 0) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        a->request.timeout_ms = deadline;
        a->request.deadline_mono_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + deadline * 1000000;
    }
    json_object_foreach(given, key, value) {
        a->parameters[a->request.parameter_count++] = (spindle_kv){
            spindle_str_from_cstr(key), { json_string_value(value), json_string_length(value) } };
    }
    pthread_mutex_lock(&lock);
    attempts[attempt_count] = a;
    attempt_count++;
    open_attempts++;
    pthread_mutex_unlock(&lock);
    pthread_create(&a->thread, NULL, run_attempt, a);
}

static void cancel(int id, int32_t reason) {
    struct attempt *a = NULL;
    int i;
    pthread_mutex_lock(&lock);
    for (i = 0; i < attempt_count; i++) {
        if (attempts[i]->id == id && !attempts[i]->completed && !attempts[i]->released) a = attempts[i];
    }
    if (a != NULL) {
        void *state = a->state;
        a->cancel_state = reason;
        a->cancelling++;
        pthread_mutex_unlock(&lock);
        executor->cancel(instance, a->request.handle, state, reason, 5000);
        pthread_mutex_lock(&lock);
        a->cancelling--;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
}

static void create(json_t *command) {
    char *config = json_dumps(json_object_get(command, "config"), JSON_COMPACT);
    spindle_instance_config given = { .struct_size = sizeof given, .handle = 1000000, .host = &host, .type = SPINDLE_STR("sql"),
                                      .config = spindle_str_from_cstr(config) };
    spindle_status status;
    if (json_is_false(json_object_get(command, "artefacts"))) host.artefact_write = NULL;
    secrets = json_incref(json_object_get(command, "secrets"));
    status = executor->create(&given, &instance);
    if (status != SPINDLE_OK) instance = NULL;
    say(json_pack("{s:s, s:i, s:O?}", "event", "created", "status", (int)status, "error", last_error));
    free(config);
}

static void quit(void) {
    int i;
    pthread_mutex_lock(&lock);
    while (open_attempts > 0) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    for (i = 0; i < attempt_count; i++) {
        pthread_join(attempts[i]->thread, NULL);
        json_decref(attempts[i]->command);
        json_decref(attempts[i]->artefacts);
        json_decref(attempts[i]->logs);
        free(attempts[i]->parameters);
        free(attempts[i]);
    }
    if (instance != NULL) executor->destroy(instance);
    json_decref(secrets);
    json_decref(last_error);
    say(json_pack("{s:s}", "event", "gone"));
}

int main(int argc, char **argv) {
    const spindle_executor_factory *(*entry)(void);
    void *library;
    char *line = NULL;
    size_t room = 0;
    bool over = false;
    if (argc != 3) return 2;
    directory = argv[2];
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    *(void **)&entry = dlsym(library, "spindle_executor_factory_v1");
    executor = entry()->executors[0];
    while (!over && getline(&line, &room, stdin) > 0) {
        json_t *command = json_loads(line, JSON_ALLOW_NUL, NULL);
        const char *op = json_string_value(json_object_get(command, "op"));
        if (op == NULL) return 2;
        if (strcmp(op, "create") == 0) create(command);
        if (strcmp(op, "start") == 0) start(command);
        if (strcmp(op, "cancel") == 0) {
            cancel((int)json_integer_value(json_object_get(command, "id")), (int32_t)json_integer_value(json_object_get(command, "reason")));
        }
        if (strcmp(op, "check") == 0) {
            spindle_status status = executor->check(instance, 1000000);
            say(json_pack("{s:s, s:i, s:O?}", "event", "checked", "status", (int)status, "error", last_error));
        }
        if (strcmp(op, "schemas") == 0) {
            say(json_pack("{s:s, s:s, s:s}", "event", "schemas", "config", executor->config_schema, "parameters", executor->parameters_schema));
        }
        if (strcmp(op, "quit") == 0) over = true;
        json_decref(command);
    }
    free(line);
    quit();
    return 0;
}
