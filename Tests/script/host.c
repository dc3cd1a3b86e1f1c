#include "host.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int passed, failed;
struct host_error host_error;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static const spindle_executor_factory *factory;
static const spindle_executor_descriptor *executor;
static pthread_t releaser;
static struct attempt *to_release;
static struct attempt *open_for_room; /* the one attempt that may be told of room */
static bool stop;

bool check(bool good, const char *what, const char *file, int line, const char *format, ...) {
    va_list arguments;
    if (good) {
        __atomic_fetch_add(&passed, 1, __ATOMIC_RELAXED);
        return true;
    }
    __atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
    fprintf(stderr, "%s:%d: %s: ", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line, what);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return false;
}

static void copy(char *to, size_t size, spindle_str from) {
    snprintf(to, size, "%.*s", (int)from.len, from.len ? from.ptr : "");
}

static char *copy_bytes(spindle_str from) {
    char *bytes = calloc(1, from.len + 1);
    if (from.len > 0) memcpy(bytes, from.ptr, from.len);
    return bytes;
}

/* The context is unused: a handle is the address of the attempt, which lives until attempt_free. */
static struct attempt *of(spindle_handle h) { return (struct attempt *)(uintptr_t)h; }

/* Under the lock. */
static void maybe_release(struct attempt *a) {
    if (!a->returned || !a->completed || a->cancelling > 0) return;
    a->next = to_release;
    to_release = a;
    pthread_cond_broadcast(&changed);
}

static spindle_status complete(spindle_host_ctx *ctx, spindle_handle h, const spindle_result *result) {
    struct attempt *a = of(h);
    size_t i;
    (void)ctx;
    pthread_mutex_lock(&lock);
    if (!RULE(!a->completed && !a->released, "complete was called twice")) {
        pthread_mutex_unlock(&lock);
        return SPINDLE_E_STALE;
    }
    a->completed = true;
    a->outcome = result->outcome;
    a->retry_after_ms = result->retry_after_ms;
    (void)RULE(result->struct_size == sizeof *result, "size");
    (void)RULE(result->output.len <= SPINDLE_MAX_OUTPUT_BYTES, "output");
    a->output = copy_bytes(result->output);
    a->output_len = result->output.len;
    copy(a->content_type, sizeof a->content_type, result->content_type);
    if (result->error != NULL) {
        const char *c;
        copy(a->code, sizeof a->code, result->error->code);
        copy(a->message, sizeof a->message, result->error->message);
        copy(a->pointer, sizeof a->pointer, result->error->pointer);
        a->details = copy_bytes(result->error->details);
        a->details_len = result->error->details.len;
        for (c = a->code; *c != 0; c++) {
            (void)RULE((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || strchr("._-", *c), "code %s", a->code);
        }
    }
    for (i = 0; i < result->metadata_count && i < 20; i++) {
        copy(a->metadata[i][0], 64, result->metadata[i].key);
        copy(a->metadata[i][1], 64, result->metadata[i].value);
    }
    a->metadata_count = i;
    maybe_release(a);
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_status set_state(spindle_host_ctx *ctx, spindle_handle h, void *state) {
    (void)ctx;
    pthread_mutex_lock(&lock);
    (void)RULE(!of(h)->completed, "set_state after complete");
    of(h)->state = state;
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_handle enter(spindle_host_ctx *ctx, spindle_handle h) {
    static _Thread_local spindle_handle now;
    spindle_handle before = now;
    (void)ctx;
    now = h;
    return before;
}

static int32_t cancel_state(spindle_host_ctx *ctx, spindle_handle h) {
    int32_t state;
    (void)ctx;
    pthread_mutex_lock(&lock);
    state = of(h)->cancel_state;
    pthread_mutex_unlock(&lock);
    return state;
}

static spindle_status heartbeat(spindle_host_ctx *ctx, spindle_handle h) {
    (void)ctx;
    (void)h;
    return SPINDLE_OK;
}

static spindle_status log_line(spindle_host_ctx *ctx, spindle_handle h, int32_t level, spindle_str message,
                               const spindle_kv *kv, size_t count) {
    struct attempt *a = of(h);
    struct line *line;
    (void)ctx;
    pthread_mutex_lock(&lock);
    (void)RULE(!a->completed, "a line after complete: %.*s", (int)message.len, message.ptr);
    (void)RULE(message.len + (count == 1 ? kv->key.len + kv->value.len : 0) <= SPINDLE_MAX_LOG_LINE_BYTES, "line too long");
    if (a->refuse_lines) {
        pthread_mutex_unlock(&lock);
        return SPINDLE_AGAIN;
    }
    line = calloc(1, sizeof *line + message.len + 1);
    line->level = level;
    line->len = message.len;
    if (count == 1) copy(line->stream, sizeof line->stream, kv->value);
    if (message.len > 0) memcpy(line->text, message.ptr, message.len);
    *a->last_line = line;
    a->last_line = &line->next;
    a->line_count++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_status progress(spindle_host_ctx *ctx, spindle_handle h, int64_t done, int64_t total, spindle_str note) {
    (void)ctx;
    pthread_mutex_lock(&lock);
    (void)RULE(!of(h)->completed, "progress after complete");
    of(h)->progress_count++;
    of(h)->progress_done = done;
    of(h)->progress_total = total;
    copy(of(h)->note, sizeof of(h)->note, note);
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_status take_metadata(spindle_host_ctx *ctx, spindle_handle h, spindle_str key, spindle_str value) {
    struct attempt *a = of(h);
    (void)ctx;
    if (key.len == 0 || key.len > SPINDLE_MAX_NAME_BYTES || key.len + value.len > SPINDLE_MAX_METADATA_BYTES) {
        return SPINDLE_E_LIMIT;
    }
    pthread_mutex_lock(&lock);
    (void)RULE(!a->completed, "metadata after complete");
    if (a->reported_count < 20) {
        copy(a->reported[a->reported_count][0], 300, key);
        copy(a->reported[a->reported_count++][1], 300, value);
    }
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_status artefact_write(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str bytes,
                                     uint32_t flags) {
    struct attempt *a = of(h);
    struct artefact *f;
    char text[SPINDLE_MAX_NAME_BYTES + 1];
    (void)ctx;
    copy(text, sizeof text, name);
    pthread_mutex_lock(&lock);
    (void)RULE(!a->completed, "an artefact after complete");
    (void)RULE(bytes.len <= SPINDLE_MAX_ARTEFACT_CHUNK_BYTES && name.len > 0 && name.len <= SPINDLE_MAX_NAME_BYTES, "chunk");
    if (a->artefact_status != SPINDLE_OK || a->no_room != 0) {
        spindle_status status = a->artefact_status != SPINDLE_OK ? a->artefact_status : SPINDLE_AGAIN;
        if (a->no_room > 0) a->no_room--;
        a->wants_room = true;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        return status;
    }
    for (f = a->artefacts; f != NULL && strcmp(f->name, text) != 0; f = f->next) continue;
    if (f == NULL) {
        f = calloc(1, sizeof *f);
        memcpy(f->name, text, sizeof text);
        f->next = a->artefacts;
        a->artefacts = f;
    }
    (void)RULE(!f->whole, "a chunk after the last");
    f->bytes = realloc(f->bytes, f->len + bytes.len + 1);
    if (bytes.len > 0) memcpy(f->bytes + f->len, bytes.ptr, bytes.len);
    f->len += bytes.len;
    f->bytes[f->len] = 0;
    f->whole = (flags & SPINDLE_ARTEFACT_LAST) != 0;
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static spindle_status set_error(spindle_host_ctx *ctx, spindle_handle h, const spindle_error *error) {
    (void)ctx;
    (void)h;
    copy(host_error.code, sizeof host_error.code, error->code);
    copy(host_error.message, sizeof host_error.message, error->message);
    copy(host_error.pointer, sizeof host_error.pointer, error->pointer);
    return SPINDLE_OK;
}

static spindle_status secret_get(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str *value) {
    (void)ctx;
    RULE(h != 0, "a secret without a handle");
    if (!spindle_str_is(name, "api.token")) return SPINDLE_E_NOT_FOUND;
    *value = SPINDLE_STR("open sesame");
    return SPINDLE_OK;
}

static const spindle_host host = {
    .struct_size = sizeof host,
    .host_name = SPINDLE_STR_INIT("test"),
    .complete = complete,
    .set_state = set_state,
    .enter = enter,
    .cancel_state = cancel_state,
    .heartbeat = heartbeat,
    .log = log_line,
    .progress = progress,
    .metadata = take_metadata,
    .artefact_write = artefact_write,
    .secret_get = secret_get,
    .set_error = set_error,
};

static void *release_all(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    while (!stop || to_release != NULL) {
        struct attempt *a = to_release;
        if (open_for_room != NULL && open_for_room->wants_room && open_for_room->no_room >= 0) {
            a = open_for_room;
            a->wants_room = false;
            pthread_mutex_unlock(&lock);
            executor->writable(a->instance, a->request.handle, a->state);
            pthread_mutex_lock(&lock);
            continue;
        }
        if (a == NULL) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        to_release = a->next;
        if (open_for_room == a) open_for_room = NULL;
        pthread_mutex_unlock(&lock);
        executor->release(a->instance, a->request.handle, a->state);
        pthread_mutex_lock(&lock);
        a->released = true;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

void host_load(const char *path) {
    const spindle_executor_factory *(*entry)(void);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    *(void **)&entry = dlsym(library, "spindle_executor_factory_v1");
    factory = entry();
    executor = factory->executors[0];
    CHECK(factory->executor_count == 1 && strcmp(executor->type, "script") == 0, "type");
    pthread_create(&releaser, NULL, release_all, NULL);
}

void host_shutdown(void) {
    factory->shutdown();
    pthread_mutex_lock(&lock);
    stop = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(releaser, NULL);
}

void *host_create(const char *text) {
    spindle_instance_config config = { .struct_size = sizeof config, .handle = 1, .host = &host };
    void *instance = NULL;
    spindle_status status;
    char with[8192];
    memset(&host_error, 0, sizeof host_error);
    if (text != NULL && text[0] == '{' && strstr(text, "tempDirectory") == NULL) {
        snprintf(with, sizeof with, "{\"tempDirectory\":\"%s/private\"%s%s", scratch, text[1] == '}' ? "" : ",", text + 1);
        text = with;
    }
    config.type = SPINDLE_STR("script");
    config.config = spindle_str_from_cstr(text);
    status = executor->create(&config, &instance);
    if (status == SPINDLE_OK) return instance;
    (void)RULE(status == SPINDLE_E_CONFIG && host_error.message[0] != 0, "create returned %d", status);
    return NULL;
}

spindle_status host_check(void *instance) { return executor->check(instance, 1); }
void host_destroy(void *instance) { executor->destroy(instance); }

struct attempt *start_with(void *instance, const char *target, spindle_str payload, const spindle_kv *parameters,
                           size_t count) {
    struct attempt *a = calloc(1, sizeof *a);
    spindle_status status;
    a->last_line = &a->lines;
    a->instance = instance;
    a->parameters = calloc(count + 1, sizeof *a->parameters);
    if (count > 0) memcpy(a->parameters, parameters, count * sizeof *parameters);
    a->request = (spindle_request){
        .struct_size = sizeof a->request, .handle = (spindle_handle)(uintptr_t)a, .host = &host,
        .execution_id = SPINDLE_STR_INIT("0197a3d0-0000-7000-8000-000000000001"),
        .attempt_id = SPINDLE_STR_INIT("0197a3d0-0000-7000-8000-000000000002"), .job_name = SPINDLE_STR_INIT("night run"),
        .type = SPINDLE_STR_INIT("script"), .target = spindle_str_from_cstr(target), .parameters = a->parameters,
        .parameter_count = count, .payload = payload,
        .idempotency_key = SPINDLE_STR_INIT("0197a3d0-0000-7000-8000-000000000001"),
        .traceparent = SPINDLE_STR_INIT("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), .attempt = 3,
        .failures = 2, .max_failures = 5, .timeout_ms = -1, .deadline_mono_ns = -1 };
    status = executor->execute(instance, a->request.handle, &a->request);
    pthread_mutex_lock(&lock);
    if (status == SPINDLE_OK) (void)RULE(a->completed, "execute returned OK without complete");
    (void)RULE(status == SPINDLE_OK || status == SPINDLE_PENDING, "execute returned %d", status);
    a->returned = true;
    maybe_release(a);
    pthread_mutex_unlock(&lock);
    return a;
}

struct attempt *start(void *instance, const char *target, ...) {
    spindle_kv parameters[64];
    spindle_str payload = { NULL, 0 };
    size_t count = 0;
    const char *key;
    va_list arguments;
    va_start(arguments, target);
    while ((key = va_arg(arguments, const char *)) != NULL) {
        const char *value = va_arg(arguments, const char *);
        if (strcmp(key, "<") == 0) {
            payload = spindle_str_from_cstr(value);
            continue;
        }
        parameters[count++] = (spindle_kv){ spindle_str_from_cstr(key), spindle_str_from_cstr(value) };
    }
    va_end(arguments);
    return start_with(instance, target, payload, parameters, count);
}

void wait_for(struct attempt *a) {
    pthread_mutex_lock(&lock);
    while (!a->released) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

const char *wait_for_line(struct attempt *a, const char *beginning) {
    const struct line *line;
    pthread_mutex_lock(&lock);
    for (;;) {
        for (line = a->lines; line != NULL; line = line->next) {
            if (strncmp(line->text, beginning, strlen(beginning)) == 0) break;
        }
        if (line != NULL || a->completed) break;
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return line == NULL ? NULL : line->text + strlen(beginning);
}

void cancel_attempt(struct attempt *a, int32_t reason, int64_t grace_ms) {
    void *state;
    pthread_mutex_lock(&lock);
    if (a->completed) {
        pthread_mutex_unlock(&lock);
        return;
    }
    a->cancel_state = reason;
    a->cancelling++;
    state = a->state;
    pthread_mutex_unlock(&lock);
    executor->cancel(a->instance, a->request.handle, state, reason, grace_ms);
    pthread_mutex_lock(&lock);
    a->cancelling--;
    maybe_release(a);
    pthread_mutex_unlock(&lock);
}

void wait_for_no_room(struct attempt *a) {
    pthread_mutex_lock(&lock);
    while (!a->wants_room && !a->completed) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

void set_room(struct attempt *a, int no_room) {
    pthread_mutex_lock(&lock);
    a->no_room = no_room;
    open_for_room = a;
    pthread_mutex_unlock(&lock);
}

const char *reported(struct attempt *a, const char *key) {
    size_t i;
    for (i = a->reported_count; i > 0; i--) {
        if (strcmp(a->reported[i - 1][0], key) == 0) return a->reported[i - 1][1];
    }
    return "";
}

struct artefact *artefact(struct attempt *a, const char *name) {
    struct artefact *f;
    for (f = a->artefacts; f != NULL && strcmp(f->name, name) != 0; f = f->next) continue;
    return f;
}

void expect(struct attempt *a, int32_t outcome, const char *code, const char *what) {
    wait_for(a);
    CHECK(a->outcome == outcome && strcmp(a->code, code) == 0, "%s: outcome %d, code %s, message %s", what, a->outcome,
          a->code, a->message);
}

void expect_output(struct attempt *a, const char *output, const char *what) {
    expect(a, SPINDLE_SUCCESS, "", what);
    CHECK(a->output_len == strlen(output) && memcmp(a->output, output, a->output_len) == 0, "%s: %s", what, a->output);
    attempt_free(a);
}

void attempt_free(struct attempt *a) {
    struct line *line, *next;
    struct artefact *f;
    wait_for(a);
    for (line = a->lines; line != NULL; line = next) {
        next = line->next;
        free(line);
    }
    while ((f = a->artefacts) != NULL) {
        a->artefacts = f->next;
        free(f->bytes);
        free(f);
    }
    free(a->parameters);
    free(a->details);
    free(a->output);
    free(a);
}

const char *metadata(struct attempt *a, const char *key) {
    size_t i;
    for (i = 0; i < a->metadata_count; i++) {
        if (strcmp(a->metadata[i][0], key) == 0) return a->metadata[i][1];
    }
    return "";
}

bool wait_for_death(long pid) {
    int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    struct pollfd entry = { .fd = fd, .events = POLLIN };
    bool dead = fd < 0 ? errno == ESRCH : poll(&entry, 1, 10000) == 1;
    if (fd >= 0) close(fd);
    return dead;
}
