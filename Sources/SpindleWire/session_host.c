/* The host table that the plugin gets: what is not news or log. */
#include <string.h>

#include "session.h"

static spindle_status host_complete(spindle_host_ctx *ctx, spindle_handle h, const spindle_result *result) {
    spw_session *session = session_of(ctx);
    spindle_status status;
    attempt *attempt = attempt_lock(session, h, &status);
    if (attempt == NULL) return status;
    if ((attempt->state & ATTEMPT_COMPLETED) != 0) {
        attempt->stale_calls++;
        atomic_fetch_add(&session->stale_calls, 1);
        pthread_mutex_unlock(&attempt->lock);
        return SPINDLE_E_STALE;
    }
    status = attempt_complete_plugin(session, attempt, result);
    attempt_unlock(session, attempt, 0);
    return status;
}

static spindle_status host_set_state(spindle_host_ctx *ctx, spindle_handle h, void *state) {
    spindle_status status;
    attempt *attempt = attempt_lock(session_of(ctx), h, &status);
    if (attempt == NULL) return status;
    attempt->plugin_state = state;
    pthread_mutex_unlock(&attempt->lock);
    return SPINDLE_OK;
}

/* The entry of a handle, unlocked: good for single atomic looks. NULL if it is not a live attempt's. */
static attempt *glance(spw_session *session, spindle_handle h) {
    uint32_t index = (uint32_t)(h & ((1u << INDEX_BITS) - 1));
    if (h == 0 || index >= atomic_load_explicit(&session->attempt_count, memory_order_acquire)) return NULL;
    attempt *attempt = session->attempts[index];
    return atomic_load_explicit(&attempt->handle, memory_order_acquire) == h ? attempt : NULL;
}

static int32_t host_cancel_state(spindle_host_ctx *ctx, spindle_handle h) {
    attempt *attempt = glance(session_of(ctx), h);
    if (attempt == NULL) return SPINDLE_E_STALE;
    int32_t reason = atomic_load_explicit(&attempt->cancel_reason, memory_order_acquire);
    /* The entry may have gone to the next attempt between the two looks. */
    return atomic_load_explicit(&attempt->handle, memory_order_acquire) == h ? reason : SPINDLE_E_STALE;
}

static spindle_handle host_enter(spindle_host_ctx *ctx, spindle_handle h) {
    spw_session *session = session_of(ctx);
    uint64_t token = 0;
    if (h != 0 && (h & INSTANCE_BIT) != 0) {
        instance *instance = instance_by_handle(session, h);
        if (instance == NULL) h = 0;
        else token = instance->token;
    } else if (h != 0) {
        attempt *attempt = glance(session, h);
        if (attempt == NULL) h = 0;
        else token = __atomic_load_n(&attempt->token, __ATOMIC_RELAXED);
    }
    return thread_enter(session, h, token);
}

static int find_secret(spw_kvs secrets, spindle_str name, spindle_str *value) {
    for (size_t i = 0; i < secrets.count; i++) {
        if (spindle_str_equal(to_str(secrets.items[i].key), name)) {
            *value = to_str(secrets.items[i].value);
            return 1;
        }
    }
    return 0;
}

static spindle_status host_secret_get(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str *value) {
    spw_session *session = session_of(ctx);
    spindle_status status;
    if (value == NULL) return SPINDLE_E_INVALID;
    if (h == 0) return SPINDLE_E_NOT_FOUND;
    if ((h & INSTANCE_BIT) != 0) {
        instance *instance = instance_by_handle(session, h);
        if (instance == NULL) return SPINDLE_E_STALE;
        return find_secret(instance->secrets.list, name, value) ? SPINDLE_OK : SPINDLE_E_NOT_FOUND;
    }
    attempt *attempt = attempt_lock(session, h, &status);
    if (attempt == NULL) return status;
    int found = find_secret(attempt->secrets.list, name, value)
             || find_secret(attempt->instance->secrets.list, name, value);
    pthread_mutex_unlock(&attempt->lock);
    return found ? SPINDLE_OK : SPINDLE_E_NOT_FOUND;
}

static spindle_status host_set_error(spindle_host_ctx *ctx, spindle_handle h, const spindle_error *error) {
    spw_session *session = session_of(ctx);
    spindle_status status;
    if (error == NULL || error->struct_size < sizeof error->struct_size) return SPINDLE_E_INVALID;
    if (h == 0) { /* in init or describe, which hold create_lock */
        error_store(&session->error, error, &session->text_replaced);
        return SPINDLE_OK;
    }
    if ((h & INSTANCE_BIT) != 0) {
        instance *instance = instance_by_handle(session, h);
        if (instance == NULL) return SPINDLE_E_STALE;
        error_store(&instance->error, error, &session->text_replaced);
        return SPINDLE_OK;
    }
    attempt *attempt = attempt_lock(session, h, &status);
    if (attempt == NULL) return status;
    error_store(&attempt->error, error, &session->text_replaced);
    pthread_mutex_unlock(&attempt->lock);
    return SPINDLE_OK;
}

static const void *host_get_extension(spindle_host_ctx *ctx, const char *id) {
    if (id != NULL && strcmp(id, SPINDLE_TRIGGER_ID) == 0 && session_of(ctx)->output.submit != NULL) return session_triggers();
    return NULL;
}

void session_fill_host(spw_session *session) {
    spindle_host *host = &session->host;
    host->struct_size = sizeof *host;
    host->abi_minor = SPINDLE_ABI_MINOR;
    host->host_name = SPINDLE_STR("spindle");
    host->complete = host_complete;
    host->set_state = host_set_state;
    host->enter = host_enter;
    host->cancel_state = host_cancel_state;
    host->secret_get = host_secret_get;
    host->set_error = host_set_error;
    host->get_extension = host_get_extension;
    session_fill_news(host);
    session_fill_log(host);
}
