/*
 * Progress, heartbeat and checkpoint. A plugin may call them in a tight loop, so each attempt is heard at most once in
 * SPW_COALESCE_MS; what came in between is held, the newest of its kind, and told when the interval ends or before the
 * attempt completes.
 */
#include <stdlib.h>
#include <string.h>

#include "session.h"

static const int64_t interval_ns = (int64_t)SPW_COALESCE_MS * 1000000;

void attempt_tell_held(spw_session *session, attempt *attempt) {
    const spw_output *output = &session->output;
    uint32_t held = attempt->held;
    if (held == 0) return;
    attempt->held = 0;
    if ((held & HELD_PROGRESS) != 0) output->progress(output->context, attempt->token, &attempt->progress);
    else if ((held & HELD_HEARTBEAT) != 0) output->heartbeat(output->context, attempt->token);
    if ((held & HELD_CHECKPOINT) != 0) {
        output->checkpoint(output->context, attempt->token,
                           (spw_bytes){ attempt->checkpoint, attempt->checkpoint_length });
    }
}

/* Tells now, or holds until the interval ends. Unlocks the attempt. */
static void heard(spw_session *session, attempt *attempt, uint32_t what) {
    int64_t now = session_now_ns();
    int first = attempt->held == 0;
    attempt->held |= what;
    int64_t due = attempt->heard_ns + interval_ns;
    int later = attempt->heard_ns != 0 && now < due;
    if (!later) {
        attempt->heard_ns = now;
        attempt_tell_held(session, attempt);
    }
    attempt_unlock(session, attempt, 0);
    if (later && first) service_hold_until(session, due);
}

static attempt *open_attempt(spindle_host_ctx *ctx, spindle_handle h, spindle_status *status) {
    attempt *attempt = attempt_lock(session_of(ctx), h, status);
    if (attempt == NULL || (attempt->state & ATTEMPT_COMPLETED) == 0) return attempt;
    attempt->stale_calls++;
    atomic_fetch_add(&session_of(ctx)->stale_calls, 1);
    pthread_mutex_unlock(&attempt->lock);
    *status = SPINDLE_E_STALE;
    return NULL;
}

static spindle_status host_heartbeat(spindle_host_ctx *ctx, spindle_handle h) {
    spindle_status status;
    attempt *attempt = open_attempt(ctx, h, &status);
    if (attempt == NULL) return status;
    heard(session_of(ctx), attempt, HELD_HEARTBEAT);
    return SPINDLE_OK;
}

static spindle_status host_progress(spindle_host_ctx *ctx, spindle_handle h, int64_t done, int64_t total,
                                    spindle_str note) {
    spindle_status status;
    attempt *attempt = open_attempt(ctx, h, &status);
    if (attempt == NULL) return status;
    spw_arena arena = { 0 };
    spw_bytes clean = text_clean(from_str(note), sizeof attempt->note, &arena, &attempt->text_replaced);
    if (clean.len > 0) memcpy(attempt->note, clean.ptr, clean.len);
    spw_arena_free(&arena);
    attempt->progress = (spw_progress){ done, total < 0 ? -1 : total, { attempt->note, clean.len } };
    heard(session_of(ctx), attempt, HELD_PROGRESS);
    return SPINDLE_OK;
}

static spindle_status host_checkpoint(spindle_host_ctx *ctx, spindle_handle h, spindle_str bytes) {
    spindle_status status;
    if (bytes.len > SPINDLE_MAX_CHECKPOINT_BYTES) return SPINDLE_E_LIMIT;
    attempt *attempt = open_attempt(ctx, h, &status);
    if (attempt == NULL) return status;
    if (bytes.len > attempt->checkpoint_capacity) {
        char *memory = realloc(attempt->checkpoint, bytes.len);
        if (memory == NULL) {
            pthread_mutex_unlock(&attempt->lock);
            return SPINDLE_E_INTERNAL;
        }
        attempt->checkpoint = memory;
        attempt->checkpoint_capacity = bytes.len;
    }
    if (bytes.len > 0) memcpy(attempt->checkpoint, bytes.ptr, bytes.len);
    attempt->checkpoint_length = bytes.len;
    heard(session_of(ctx), attempt, HELD_CHECKPOINT);
    return SPINDLE_OK;
}

static spindle_status host_metadata(spindle_host_ctx *ctx, spindle_handle h, spindle_str key, spindle_str value) {
    spindle_status status;
    attempt *attempt = open_attempt(ctx, h, &status);
    if (attempt == NULL) return status;
    spw_arena arena = { 0 };
    spw_bytes k = text_clean(from_str(key), SPINDLE_MAX_METADATA_BYTES, &arena, &attempt->text_replaced);
    spw_bytes v = text_clean(from_str(value), SPINDLE_MAX_METADATA_BYTES + 1, &arena, &attempt->text_replaced);
    status = attempt_add_metadata(attempt, k, v);
    pthread_mutex_unlock(&attempt->lock);
    spw_arena_free(&arena);
    return status;
}

static int name_is_good(spindle_str name) {
    if (name.len < 1 || name.len > SPINDLE_MAX_NAME_BYTES) return 0;
    return memchr(name.ptr, '/', name.len) == NULL && memchr(name.ptr, 0, name.len) == NULL
        && text_valid_prefix(name.ptr, name.len) == name.len;
}

static spindle_status host_artefact_write(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str bytes,
                                          uint32_t flags) {
    spw_session *session = session_of(ctx);
    spindle_status status;
    if (bytes.len > SPINDLE_MAX_ARTEFACT_CHUNK_BYTES) return SPINDLE_E_LIMIT;
    if (!name_is_good(name)) return SPINDLE_E_INVALID;
    attempt *attempt = open_attempt(ctx, h, &status);
    if (attempt == NULL) return status;
    const spw_artefact chunk = { from_str(name), from_str(bytes), flags & SPINDLE_ARTEFACT_LAST };
    /* Marked before it is tried: room that comes in between is then not missed. */
    attempt->state |= ATTEMPT_WRITABLE;
    int taken = session->output.artefact(session->output.context, attempt->token, &chunk);
    if (taken) attempt->state &= ~(uint32_t)ATTEMPT_WRITABLE;
    pthread_mutex_unlock(&attempt->lock);
    return taken ? SPINDLE_OK : SPINDLE_AGAIN;
}

void session_fill_news(spindle_host *host) {
    host->heartbeat = host_heartbeat;
    host->progress = host_progress;
    host->checkpoint = host_checkpoint;
    host->metadata = host_metadata;
    host->artefact_write = host_artefact_write;
}
