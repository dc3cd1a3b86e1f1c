/* The life of an attempt: accepted, run, cancelled, released. */
#include <stdlib.h>
#include <string.h>

#include "session.h"

_Static_assert(sizeof(spw_kv) == sizeof(spindle_kv) && offsetof(spw_kv, value) == offsetof(spindle_kv, value),
               "a list of keys and values is passed on as it is");

attempt *attempt_find(spw_session *session, spindle_handle handle, spindle_status *status) {
    uint32_t index = (uint32_t)(handle & ((1u << INDEX_BITS) - 1));
    *status = SPINDLE_E_INVALID;
    if (handle == 0 || (index & INSTANCE_BIT) != 0) return NULL;
    *status = SPINDLE_E_STALE;
    if (index < atomic_load_explicit(&session->attempt_count, memory_order_acquire)) {
        attempt *attempt = session->attempts[index];
        pthread_mutex_lock(&attempt->lock);
        if (atomic_load_explicit(&attempt->handle, memory_order_relaxed) == handle) return attempt;
        pthread_mutex_unlock(&attempt->lock);
    }
    return NULL;
}

attempt *attempt_lock(spw_session *session, spindle_handle handle, spindle_status *status) {
    attempt *attempt = attempt_find(session, handle, status);
    if (attempt == NULL && *status == SPINDLE_E_STALE) {
        atomic_fetch_add_explicit(&session->stale_calls, 1, memory_order_relaxed);
    }
    return attempt;
}

/* A free entry, or a new one. Under session.lock. */
static attempt *take_entry(spw_session *session) {
    attempt *attempt = session->free_attempts;
    if (attempt != NULL) {
        session->free_attempts = attempt->next_free;
        return attempt;
    }
    uint32_t index = atomic_load(&session->attempt_count);
    if (index == MAX_ATTEMPTS || (attempt = calloc(1, sizeof *attempt)) == NULL) return NULL;
    pthread_mutex_init(&attempt->lock, NULL);
    attempt->index = index;
    session->attempts[index] = attempt;
    atomic_store_explicit(&session->attempt_count, index + 1, memory_order_release);
    return attempt;
}

static size_t kvs_size(spw_kvs list) {
    size_t sum = list.count * sizeof(spw_kv);
    for (size_t i = 0; i < list.count; i++) sum += list.items[i].key.len + list.items[i].value.len;
    return sum;
}

static spindle_str pack(char **at, spw_bytes bytes) {
    if (bytes.len == 0) return (spindle_str){ NULL, 0 };
    spindle_str packed = { memcpy(*at, bytes.ptr, bytes.len), bytes.len };
    *at += bytes.len;
    return packed;
}

/* `table` has room for the list; its bytes go to *at. */
static spw_kvs pack_kvs(spw_kv *table, char **at, spw_kvs list) {
    for (size_t i = 0; i < list.count; i++) {
        table[i].key = from_str(pack(at, list.items[i].key));
        table[i].value = from_str(pack(at, list.items[i].value));
    }
    return (spw_kvs){ list.count == 0 ? NULL : table, list.count };
}

/* Copies the request into one piece of memory that the entry keeps. 0 if there is none. */
static int fill_request(spw_session *session, attempt *attempt, const spw_start *start) {
    spindle_request *request = &attempt->request;
    size_t size = kvs_size(start->parameters) + start->execution_id.len
                + start->attempt_id.len + start->job_name.len + start->type.len + start->target.len
                + start->payload.len + start->content_type.len + start->idempotency_key.len + start->traceparent.len
                + start->tracestate.len + start->checkpoint.len;
    if (!secrets_keep(&attempt->secrets, start->secrets)) return 0;
    if (size > attempt->memory_capacity) {
        char *memory = malloc(size);
        if (memory == NULL) return 0;
        free(attempt->memory);
        attempt->memory = memory;
        attempt->memory_capacity = size;
    }
    spw_kv *tables = (spw_kv *)(void *)attempt->memory;
    char *at = attempt->memory + start->parameters.count * sizeof(spw_kv);
    spw_kvs parameters = pack_kvs(tables, &at, start->parameters);
    *request = (spindle_request){
        .struct_size = sizeof *request,
        .handle = atomic_load_explicit(&attempt->handle, memory_order_relaxed),
        .host = &session->host,
        .ctx = &session->ctx,
        .parameters = (const spindle_kv *)(const void *)parameters.items,
        .parameter_count = parameters.count,
        .attempt = start->attempt,
        .failures = start->failures,
        .max_failures = start->max_failures,
        .timeout_ms = start->timeout_ms,
        .deadline_mono_ns = start->deadline_mono_ns,
        .started_unix_ms = start->started_unix_ms,
    };
    request->execution_id = pack(&at, start->execution_id);
    request->attempt_id = pack(&at, start->attempt_id);
    request->job_name = pack(&at, start->job_name);
    request->type = pack(&at, start->type);
    request->target = pack(&at, start->target);
    request->payload = pack(&at, start->payload);
    request->content_type = pack(&at, start->content_type);
    request->idempotency_key = pack(&at, start->idempotency_key);
    request->traceparent = pack(&at, start->traceparent);
    request->tracestate = pack(&at, start->tracestate);
    request->checkpoint = pack(&at, start->checkpoint);
    return 1;
}

static void refuse(spw_session *session, uint64_t token, int32_t status, uint32_t outcome, const char *code,
                   const char *message) {
    const spw_completed result = {
        .origin = SPW_ORIGIN_HOST,
        .status = status,
        .outcome = outcome,
        .fault = { .code = text_of(code), .message = text_of(message) },
        .retry_after_ms = -1,
    };
    const spw_released released = { 0 };
    session->output.completed(session->output.context, token, &result);
    session->output.released(session->output.context, token, &released, 0);
}

static int too_large(const spw_start *start) {
    return start->parameters.count > SPINDLE_MAX_PARAMETERS
        || kvs_size(start->parameters) - start->parameters.count * sizeof(spw_kv) > SPINDLE_MAX_PARAMETER_BYTES
        || start->payload.len > SPINDLE_MAX_PAYLOAD_BYTES || start->checkpoint.len > SPINDLE_MAX_CHECKPOINT_BYTES;
}

uint64_t spw_session_accept(spw_session *session, uint64_t token, const spw_start *start) {
    if (too_large(start)) {
        refuse(session, token, SPINDLE_E_LIMIT, SPINDLE_PERMANENT, "spindle.too_large",
               "the parameters, the payload or the checkpoint are too large");
        return 0;
    }
    pthread_mutex_lock(&session->lock);
    instance *instance = instance_by_token(session, start->instance);
    int concurrent = instance != NULL && (instance->kind->flags & SPINDLE_EXECUTOR_CONCURRENT) != 0;
    int full = instance != NULL
            && (instance->busy == BUSY_ALONE || (instance->busy == BUSY_CHECK && !concurrent)
                || (instance->limit > 0 && instance->open >= instance->limit));
    attempt *attempt = instance == NULL || full ? NULL : take_entry(session);
    if (attempt == NULL) {
        pthread_mutex_unlock(&session->lock);
        if (instance == NULL) {
            refuse(session, token, SPINDLE_E_STALE, SPINDLE_RETRYABLE, "spindle.instance", "there is no such instance");
        } else {
            refuse(session, token, SPINDLE_E_BUSY, SPINDLE_RETRYABLE, "spindle.busy", "the instance has no room");
        }
        return 0;
    }
    instance->open++;
    session->open++;
    attempt->next_open = session->open_attempts;
    attempt->previous_open = NULL;
    if (attempt->next_open != NULL) attempt->next_open->previous_open = attempt;
    session->open_attempts = attempt;
    pthread_mutex_lock(&attempt->lock);
    uint64_t handle = ++attempt->generation << INDEX_BITS | attempt->index;
    __atomic_store_n(&attempt->token, token, __ATOMIC_RELAXED); /* enter glances at it without the lock */
    attempt->instance = instance;
    attempt->state = 0;
    attempt->calls = 0;
    attempt->reasons_seen = 0;
    attempt->plugin_state = NULL;
    attempt->heard_ns = 0;
    attempt->held = 0;
    attempt->stale_calls = attempt->logs_dropped = attempt->logs_dropped_unsaid = attempt->text_replaced = 0;
    atomic_store_explicit(&attempt->cancel_reason, SPINDLE_CANCEL_NONE, memory_order_relaxed);
    atomic_store_explicit(&attempt->handle, handle, memory_order_release);
    pthread_mutex_unlock(&session->lock);
    if (!fill_request(session, attempt, start)) {
        attempt_complete_ours(session, attempt, SPW_ORIGIN_HOST, SPINDLE_E_BUSY, SPINDLE_RETRYABLE, "spindle.memory",
                              "the worker is out of memory");
        attempt->state |= ATTEMPT_RETURNED;
        attempt_unlock(session, attempt, 1);
        return 0;
    }
    pthread_mutex_unlock(&attempt->lock);
    return handle;
}

/* What a return value of execute means when complete was not called. The attempt is locked. */
static void judge_return(spw_session *session, attempt *attempt, spindle_status status) {
    int completed = (attempt->state & ATTEMPT_COMPLETED) != 0;
    if (status == SPINDLE_PENDING && (attempt->instance->kind->flags & SPINDLE_EXECUTOR_ASYNC) != 0) return;
    if (completed) {
        if (status != SPINDLE_OK) atomic_fetch_add(&session->contract_breaches, 1);
        return;
    }
    if (status >= 0) {
        atomic_fetch_add(&session->contract_breaches, 1);
        attempt_complete_ours(session, attempt, SPW_ORIGIN_CONTRACT, status, SPINDLE_PERMANENT, "spindle.contract",
                              status == SPINDLE_OK        ? "execute returned OK without calling complete"
                              : status == SPINDLE_PENDING ? "execute of a blocking executor returned PENDING"
                                                          : "execute returned a status that means nothing");
        return;
    }
    spw_arena arena = { 0 };
    spw_answer answer;
    error_answer(&attempt->error, status, "spindle.refused", "the executor refused the attempt", &answer, &arena);
    spw_completed result = {
        .origin = SPW_ORIGIN_REFUSED,
        .status = status,
        .outcome = answer.outcome,
        .fault = answer.fault,
        .retry_after_ms = -1,
    };
    attempt_complete(session, attempt, &result);
    spw_arena_free(&arena);
}

void spw_session_run(spw_session *session, uint64_t accepted) {
    spindle_status status;
    attempt *attempt = attempt_find(session, accepted, &status);
    if (attempt == NULL) return;
    if (atomic_load_explicit(&attempt->cancel_reason, memory_order_relaxed) != SPINDLE_CANCEL_NONE) {
        attempt_complete_ours(session, attempt, SPW_ORIGIN_HOST, SPINDLE_OK, SPINDLE_CANCELLED, "spindle.cancelled",
                              "cancelled before it was started");
        attempt->state |= ATTEMPT_RETURNED;
        attempt_unlock(session, attempt, 1);
        return;
    }
    attempt->state |= ATTEMPT_ENTERED;
    uint64_t token = attempt->token;
    instance *instance = attempt->instance;
    pthread_mutex_unlock(&attempt->lock);
    spindle_handle before = thread_enter(session, accepted, token);
    status = instance->kind->execute(instance->state, accepted, &attempt->request);
    thread_enter(session, before, 0);
    pthread_mutex_lock(&attempt->lock); /* still ours: it is not released before RETURNED */
    judge_return(session, attempt, status);
    attempt->state |= ATTEMPT_RETURNED;
    attempt_unlock(session, attempt, 1);
}

void attempt_unlock(spw_session *session, attempt *attempt, int on_our_thread) {
    const uint32_t over = ATTEMPT_RETURNED | ATTEMPT_COMPLETED;
    int release = (attempt->state & (over | ATTEMPT_RELEASING)) == over && attempt->calls == 0;
    if (release) attempt->state |= ATTEMPT_RELEASING;
    int has_release = (attempt->state & ATTEMPT_ENTERED) != 0 && attempt->instance->kind->release != NULL;
    pthread_mutex_unlock(&attempt->lock);
    if (!release) return;
    /* No host call runs the plugin's release on the plugin's stack. */
    if (on_our_thread || !has_release) attempt_release(session, attempt, 0);
    else service_release_later(session, attempt);
}

void attempt_release(spw_session *session, attempt *attempt, int gathers) {
    uint64_t handle = atomic_load_explicit(&attempt->handle, memory_order_relaxed);
    uint64_t token = attempt->token;
    instance *instance = attempt->instance;
    if ((attempt->state & ATTEMPT_ENTERED) != 0 && instance->kind->release != NULL) {
        pthread_mutex_lock(&attempt->lock);
        void *state = attempt->plugin_state;
        pthread_mutex_unlock(&attempt->lock);
        spindle_handle before = thread_enter(session, handle, token);
        instance->kind->release(instance->state, handle, state);
        thread_enter(session, before, 0);
    }
    pthread_mutex_lock(&session->lock);
    pthread_mutex_lock(&attempt->lock);
    const spw_released released = { attempt->stale_calls };
    atomic_store_explicit(&attempt->handle, 0, memory_order_release);
    error_clear(&attempt->error);
    attempt_clear_metadata(attempt);
    tail_clear(&attempt->log_tail);
    secrets_forget(&attempt->secrets);
    free(attempt->submissions);
    attempt->submissions = NULL;
    if (attempt->memory_capacity > 64 * 1024) { /* one large request must not cost its size for ever */
        free(attempt->memory);
        attempt->memory = NULL;
        attempt->memory_capacity = 0;
    }
    pthread_mutex_unlock(&attempt->lock);
    if (attempt->previous_open != NULL) attempt->previous_open->next_open = attempt->next_open;
    else session->open_attempts = attempt->next_open;
    if (attempt->next_open != NULL) attempt->next_open->previous_open = attempt->previous_open;
    attempt->next_free = session->free_attempts;
    session->free_attempts = attempt;
    instance->open--;
    session->open--;
    pthread_mutex_unlock(&session->lock);
    /* Said last: the next start may come before this returns, and finds the room. */
    session->output.released(session->output.context, token, &released, gathers);
}

uint64_t spw_session_only_attempt(spw_session *session) {
    pthread_mutex_lock(&session->lock);
    uint64_t token = session->open == 1 ? session->open_attempts->token : 0;
    pthread_mutex_unlock(&session->lock);
    return token;
}

void spw_session_stats(spw_session *session, spw_pong *stats) {
    pthread_mutex_lock(&session->lock);
    stats->open = session->open;
    pthread_mutex_unlock(&session->lock);
    stats->stale_calls = atomic_load(&session->stale_calls);
    stats->contract_breaches = atomic_load(&session->contract_breaches);
    stats->logs_dropped = atomic_load(&session->logs_dropped);
    stats->text_replaced = atomic_load(&session->text_replaced);
}
