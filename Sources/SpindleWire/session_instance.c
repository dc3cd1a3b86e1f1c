/* Instances: made, checked, destroyed, found. */
#include <stdlib.h>
#include <string.h>

#include "session.h"

const spindle_executor_descriptor *kind_by_type(spw_session *session, spw_bytes type, int is_trigger) {
    uint32_t first = is_trigger ? session->factory.executor_count : 0;
    uint32_t end = is_trigger ? session->kind_count : session->factory.executor_count;
    for (uint32_t i = first; i < end; i++) {
        if (spindle_str_is(to_str(type), session->kinds[i].type)) return &session->kinds[i];
    }
    return NULL;
}

instance *instance_by_token(spw_session *session, uint64_t token) {
    for (uint32_t i = 0; i < session->instance_count; i++) {
        instance *instance = session->instances[i];
        if (instance->token == token && atomic_load_explicit(&instance->handle, memory_order_relaxed) != 0) {
            return instance;
        }
    }
    return NULL;
}

instance *instance_by_handle(spw_session *session, spindle_handle handle) {
    uint32_t index = (uint32_t)(handle & ((1u << INDEX_BITS) - 1));
    if ((index & INSTANCE_BIT) == 0 || (index & ~(uint32_t)INSTANCE_BIT) >= MAX_INSTANCES) return NULL;
    pthread_mutex_lock(&session->lock);
    index &= ~(uint32_t)INSTANCE_BIT;
    instance *instance = index < session->instance_count ? session->instances[index] : NULL;
    if (instance != NULL && atomic_load(&instance->handle) != handle) instance = NULL;
    pthread_mutex_unlock(&session->lock);
    return instance;
}

void spw_session_init(spw_session *session, const char *host_version, spw_answer *answer, spw_arena *arena) {
    pthread_mutex_lock(&session->create_lock);
    size_t length = strlen(host_version);
    if (length >= sizeof session->host_version) length = sizeof session->host_version - 1;
    memcpy(session->host_version, host_version, length);
    session->host.host_version = spindle_str_make(session->host_version, length);
    spindle_status status = SPINDLE_OK;
    if (session->factory.init != NULL) status = session->factory.init(&session->host, &session->ctx);
    session->initialised = status >= 0;
    error_answer(&session->error, status, "spindle.init", "init failed without saying why", answer, arena);
    pthread_mutex_unlock(&session->create_lock);
}

/* A free entry, not yet visible. Under create_lock. */
static instance *entry_for_new(spw_session *session, uint32_t *index) {
    for (*index = 0; *index < session->instance_count; ++*index) {
        if (atomic_load(&session->instances[*index]->handle) == 0) return session->instances[*index];
    }
    if (*index == MAX_INSTANCES) return NULL;
    instance *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    pthread_mutex_lock(&session->lock);
    session->instances[session->instance_count++] = made;
    pthread_mutex_unlock(&session->lock);
    return made;
}

static spw_bytes keep(spw_arena *arena, spw_bytes bytes) {
    char *copy = bytes.len == 0 ? NULL : spw_arena_allocate(arena, bytes.len);
    if (copy == NULL) return (spw_bytes){ NULL, 0 };
    memcpy(copy, bytes.ptr, bytes.len);
    return (spw_bytes){ copy, bytes.len };
}

static void fill(spw_session *session, instance *instance, uint32_t index, uint64_t token,
                 const spindle_executor_descriptor *kind, const spw_create *what) {
    pthread_mutex_lock(&session->lock);
    instance->token = token;
    instance->kind = kind;
    instance->state = NULL;
    instance->open = 0;
    instance->busy = BUSY_ALONE; /* until create has succeeded */
    instance->limit = (kind->flags & SPINDLE_EXECUTOR_CONCURRENT) == 0 ? 1 : what->concurrency;
    instance->type = to_str(keep(&instance->arena, what->type.len > 0 ? what->type : what->uses));
    /* Without memory for them it has none: create finds that out when it asks for one. */
    (void)secrets_keep(&instance->secrets, what->secrets);
    uint64_t generation = ++session->instance_generation;
    atomic_store(&instance->handle, generation << INDEX_BITS | INSTANCE_BIT | index);
    pthread_mutex_unlock(&session->lock);
}

static void forget(spw_session *session, instance *instance) {
    pthread_mutex_lock(&session->lock);
    atomic_store(&instance->handle, 0);
    instance->token = 0;
    instance->busy = 0;
    pthread_mutex_unlock(&session->lock);
    error_clear(&instance->error);
    spw_arena_free(&instance->arena);
    secrets_forget(&instance->secrets);
}

/* The plugin's create, with the files as it sees them. */
static spindle_status call_create(spw_session *session, instance *instance, const spw_create *what) {
    size_t count = what->files.count;
    spindle_file *files = count == 0 ? NULL : spw_arena_allocate(&instance->arena, count * sizeof *files);
    const spindle_file **table = count == 0 ? NULL : spw_arena_allocate(&instance->arena, count * sizeof *table);
    if (count > 0 && (files == NULL || table == NULL)) return SPINDLE_E_INTERNAL;
    for (size_t i = 0; i < count; i++) {
        files[i] = (spindle_file){ .struct_size = sizeof *files,
                                   .fd = (int32_t)(what->first_file + i),
                                   .name = to_str(keep(&instance->arena, what->files.items[i])) };
        table[i] = &files[i];
    }
    uint64_t handle = atomic_load(&instance->handle);
    const spindle_instance_config config = {
        .struct_size = sizeof config,
        .handle = handle,
        .host = &session->host,
        .ctx = &session->ctx,
        .type = instance->type,
        .config = what->config.len > 0 ? to_str(what->config) : SPINDLE_STR("{}"),
        .files = table,
        .file_count = count,
    };
    spindle_handle before = thread_enter(session, handle, instance->token);
    spindle_status status = instance->kind->create(&config, &instance->state);
    thread_enter(session, before, 0);
    return status;
}

void spw_session_create(spw_session *session, uint64_t token, const spw_create *what, spw_answer *answer,
                        spw_arena *arena) {
    const spindle_executor_descriptor *kind = kind_by_type(session, what->uses, what->is_trigger != 0);
    uint32_t index;
    pthread_mutex_lock(&session->create_lock);
    pthread_mutex_lock(&session->lock);
    int taken = token == 0 || instance_by_token(session, token) != NULL;
    pthread_mutex_unlock(&session->lock);
    instance *instance = kind == NULL || taken ? NULL : entry_for_new(session, &index);
    if (instance == NULL) {
        const char *none = what->is_trigger ? "the plugin has no such trigger" : "the plugin has no executor of that type";
        const char *why = kind == NULL ? none
                        : taken       ? "there is such an instance already"
                                      : "too many instances";
        error_answer(NULL, kind == NULL ? SPINDLE_E_NOT_FOUND : SPINDLE_E_INVALID, "spindle.create", why, answer, arena);
        pthread_mutex_unlock(&session->create_lock);
        return;
    }
    fill(session, instance, index, token, kind, what);
    spindle_status status = kind->create == NULL ? SPINDLE_OK : call_create(session, instance, what);
    error_answer(&instance->error, status, "spindle.create", "create failed without saying why", answer, arena);
    if (status < 0) {
        forget(session, instance);
    } else {
        pthread_mutex_lock(&session->lock);
        instance->busy = 0;
        pthread_mutex_unlock(&session->lock);
    }
    pthread_mutex_unlock(&session->create_lock);
}

/* Takes an instance for a call that excludes another such call, and open attempts if `alone`. NULL: answered. */
static instance *take(spw_session *session, uint64_t token, int alone, const char *code, spw_answer *answer,
                      spw_arena *arena) {
    pthread_mutex_lock(&session->lock);
    instance *instance = instance_by_token(session, token);
    int concurrent = instance != NULL && (instance->kind->flags & SPINDLE_EXECUTOR_CONCURRENT) != 0;
    int busy = instance != NULL && (instance->busy || (instance->open > 0 && (alone || !concurrent)));
    if (instance != NULL && !busy) instance->busy = alone ? BUSY_ALONE : BUSY_CHECK;
    pthread_mutex_unlock(&session->lock);
    if (instance == NULL) error_answer(NULL, SPINDLE_E_STALE, code, "there is no such instance", answer, arena);
    else if (busy) error_answer(NULL, SPINDLE_E_BUSY, code, "the instance is at work", answer, arena);
    return busy ? NULL : instance;
}

void spw_session_check(spw_session *session, uint64_t token, spw_answer *answer, spw_arena *arena) {
    instance *instance = take(session, token, 0, "spindle.check", answer, arena);
    if (instance == NULL) return;
    spindle_status status = SPINDLE_OK;
    if (instance->kind->check != NULL) {
        uint64_t handle = atomic_load(&instance->handle);
        spindle_handle before = thread_enter(session, handle, token);
        status = instance->kind->check(instance->state, handle);
        thread_enter(session, before, 0);
    }
    error_answer(&instance->error, status, "spindle.check", "check failed without saying why", answer, arena);
    pthread_mutex_lock(&session->lock);
    instance->busy = 0;
    pthread_mutex_unlock(&session->lock);
}

void spw_session_destroy(spw_session *session, uint64_t token, spw_answer *answer, spw_arena *arena) {
    pthread_mutex_lock(&session->create_lock);
    instance *instance = take(session, token, 1, "spindle.destroy", answer, arena);
    if (instance != NULL) {
        if (instance->kind->destroy != NULL) {
            spindle_handle before = thread_enter(session, atomic_load(&instance->handle), token);
            instance->kind->destroy(instance->state);
            thread_enter(session, before, 0);
        }
        error_answer(&instance->error, SPINDLE_OK, "", "", answer, arena);
        forget(session, instance);
    }
    pthread_mutex_unlock(&session->create_lock);
}

int32_t spw_session_can_execute(spw_session *session, const spw_question *question) {
    const spindle_executor_descriptor *kind = kind_by_type(session, question->uses, 0);
    if (kind == NULL || kind->can_execute == NULL) return 0;
    const spindle_request request = {
        .struct_size = sizeof request,
        .host = &session->host,
        .ctx = &session->ctx,
        .type = to_str(question->type),
        .target = to_str(question->target),
        .parameters = (const spindle_kv *)(const void *)question->parameters.items,
        .parameter_count = question->parameters.count,
        .payload = to_str(question->payload),
        .content_type = to_str(question->content_type),
        .attempt = -1,
        .failures = -1,
        .max_failures = -1,
        .timeout_ms = -1,
        .deadline_mono_ns = -1,
        .started_unix_ms = -1,
    };
    return kind->can_execute(&request) == 1;
}
