/* Log lines: cleaned, cut, dropped and counted when the host does not keep up. */
#include <string.h>
#include <time.h>

#include "session.h"

enum { MAX_KEYS = 64 };

static int64_t unix_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int32_t host_log_enabled(spindle_host_ctx *ctx, spindle_handle h, int32_t level) {
    (void)h;
    return level >= 0 && (uint32_t)level >= atomic_load_explicit(&session_of(ctx)->log_level, memory_order_relaxed);
}

/* Cuts message and keys to one line's size. */
static void make_line(spw_log *line, spw_bytes message, spw_kvs keys, spw_kv *room, spw_arena *arena,
                      uint64_t *replaced) {
    size_t left = SPINDLE_MAX_LOG_LINE_BYTES;
    line->message = text_clean(message, left, arena, replaced);
    left -= line->message.len;
    line->keys = (spw_kvs){ room, 0 };
    for (size_t i = 0; i < keys.count && line->keys.count < MAX_KEYS; i++) {
        if (keys.items[i].key.len + keys.items[i].value.len > left) continue;
        spw_kv item = { text_clean(keys.items[i].key, SPINDLE_MAX_LOG_LINE_BYTES, arena, replaced),
                        text_clean(keys.items[i].value, SPINDLE_MAX_LOG_LINE_BYTES, arena, replaced) };
        if (item.key.len + item.value.len > left) continue;
        left -= item.key.len + item.value.len;
        room[line->keys.count++] = item;
    }
}

/* 1 = taken. Counter and tail are those of the attempt (locked), of what it prints, or of the plugin, which keeps no tail. */
static int tell(spw_session *session, uint64_t token, spw_log *line, uint64_t *unsaid, log_tail *tail) {
    line->dropped = *unsaid;
    if (session->output.log(session->output.context, token, line, 0)) {
        *unsaid = 0;
        if (tail != NULL) tail_clear(tail); /* what is in it is no longer the end */
        return 1;
    }
    *unsaid += 1;
    if (tail != NULL) tail_keep(tail, line);
    atomic_fetch_add_explicit(&session->logs_dropped, 1, memory_order_relaxed);
    return 0;
}

static spindle_status log_of_attempt(spw_session *session, attempt *attempt, spw_log *line, spw_bytes message,
                                     spw_kvs keys) {
    spw_arena arena = { 0 };
    spw_kv room[MAX_KEYS];
    make_line(line, message, keys, room, &arena, &attempt->text_replaced);
    int taken = tell(session, attempt->token, line, &attempt->logs_dropped_unsaid, &attempt->log_tail);
    if (!taken) attempt->logs_dropped++;
    pthread_mutex_unlock(&attempt->lock);
    spw_arena_free(&arena);
    return taken ? SPINDLE_OK : SPINDLE_AGAIN;
}

static spindle_status log_of_other(spw_session *session, uint64_t token, _Atomic uint64_t *dropped, spw_log *line,
                                   spw_bytes message, spw_kvs keys) {
    spw_arena arena = { 0 };
    spw_kv room[MAX_KEYS];
    uint64_t replaced = 0;
    make_line(line, message, keys, room, &arena, &replaced);
    uint64_t unsaid = atomic_exchange(dropped, 0);
    int taken = tell(session, token, line, &unsaid, NULL);
    if (unsaid > 0) atomic_fetch_add(dropped, unsaid);
    if (replaced > 0) atomic_fetch_add(&session->text_replaced, replaced);
    spw_arena_free(&arena);
    return taken ? SPINDLE_OK : SPINDLE_AGAIN;
}

static spindle_status host_log(spindle_host_ctx *ctx, spindle_handle h, int32_t level, spindle_str message,
                               const spindle_kv *kv, size_t count) {
    spw_session *session = session_of(ctx);
    spindle_status status;
    if (!host_log_enabled(ctx, h, level)) return SPINDLE_OK;
    spw_log line = { .level = level > SPINDLE_LOG_CRITICAL ? SPINDLE_LOG_CRITICAL : (uint32_t)level,
                     .unix_us = unix_us() };
    spw_kvs keys = { (const spw_kv *)(const void *)kv, kv == NULL ? 0 : count };
    if (h == 0) return log_of_other(session, 0, &session->logs_dropped_unsaid, &line, from_str(message), keys);
    instance *instance = instance_by_handle(session, h);
    if (instance != NULL) {
        return log_of_other(session, instance->token, &instance->logs_dropped, &line, from_str(message), keys);
    }
    attempt *attempt = attempt_lock(session, h, &status);
    if (attempt == NULL) return SPINDLE_E_STALE;
    return log_of_attempt(session, attempt, &line, from_str(message), keys);
}

void spw_session_line(spw_session *session, uint64_t token, uint32_t stream, spw_bytes text) {
    spw_log line = { .level = stream == SPW_STREAM_STDERR ? SPINDLE_LOG_WARNING : SPINDLE_LOG_INFO,
                     .stream = stream,
                     .unix_us = unix_us() };
    if (token == 0) {
        (void)log_of_other(session, 0, &session->logs_dropped_unsaid, &line, text, (spw_kvs){ NULL, 0 });
        return;
    }
    spw_arena arena = { 0 };
    spw_kv room[MAX_KEYS];
    uint64_t replaced = 0;
    make_line(&line, text, (spw_kvs){ NULL, 0 }, room, &arena, &replaced);
    (void)tell(session, token, &line, &session->printed_unsaid, &session->printed_tail);
    if (replaced > 0) atomic_fetch_add(&session->text_replaced, replaced);
    spw_arena_free(&arena);
}

void spw_session_lines_end(spw_session *session, uint64_t token) {
    (void)tail_tell(session, token, &session->printed_tail, &session->printed_unsaid);
}

void attempt_tell_tail(spw_session *session, attempt *attempt) {
    attempt->logs_dropped -= tail_tell(session, attempt->token, &attempt->log_tail, &attempt->logs_dropped_unsaid);
}

void spw_session_set_log_level(spw_session *session, uint32_t level) { atomic_store(&session->log_level, level); }

void session_fill_log(spindle_host *host) {
    host->log_enabled = host_log_enabled;
    host->log = host_log;
}
