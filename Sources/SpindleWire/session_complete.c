/* The one door through which an attempt ends, and what is checked there. */
#include <stdlib.h>
#include <string.h>

#include "session.h"

void attempt_clear_metadata(attempt *attempt) {
    if (attempt->metadata.items == NULL) return;
    for (size_t i = 0; i < attempt->metadata.count; i++) free((void *)(uintptr_t)attempt->metadata.items[i].key.ptr);
    free(attempt->metadata.items);
    memset(&attempt->metadata, 0, sizeof attempt->metadata);
}

/* Key and value are one piece of memory, named by the key. */
static int make_item(spw_kv *item, spw_bytes key, spw_bytes value) {
    char *copy = malloc(key.len + value.len + 1);
    if (copy == NULL) return 0;
    if (key.len > 0) memcpy(copy, key.ptr, key.len);
    if (value.len > 0) memcpy(copy + key.len, value.ptr, value.len);
    *item = (spw_kv){ { copy, key.len }, { copy + key.len, value.len } };
    return 1;
}

spindle_status attempt_add_metadata(attempt *attempt, spw_bytes key, spw_bytes value) {
    metadata *all = &attempt->metadata;
    size_t at = 0;
    if (key.len == 0) return SPINDLE_E_INVALID;
    if (key.len > SPINDLE_MAX_NAME_BYTES || value.len > SPINDLE_MAX_METADATA_BYTES) return SPINDLE_E_LIMIT;
    while (at < all->count && !spindle_str_equal(to_str(all->items[at].key), to_str(key))) at++;
    size_t old = at < all->count ? all->items[at].key.len + all->items[at].value.len : 0;
    if (all->bytes - old + key.len + value.len > SPINDLE_MAX_METADATA_BYTES) return SPINDLE_E_LIMIT;
    if (at == all->capacity) {
        size_t capacity = all->capacity == 0 ? 8 : 2 * all->capacity;
        spw_kv *items = realloc(all->items, capacity * sizeof *items);
        if (items == NULL) return SPINDLE_E_INTERNAL;
        all->items = items;
        all->capacity = capacity;
    }
    spw_kv made;
    if (!make_item(&made, key, value)) return SPINDLE_E_INTERNAL;
    if (at < all->count) free((void *)(uintptr_t)all->items[at].key.ptr);
    else all->count++;
    all->items[at] = made;
    all->bytes += key.len + value.len - old;
    return SPINDLE_OK;
}

void attempt_complete(spw_session *session, attempt *attempt, spw_completed *result) {
    attempt_tell_held(session, attempt);
    attempt_tell_tail(session, attempt);
    attempt->state = (attempt->state | ATTEMPT_COMPLETED) & ~(uint32_t)ATTEMPT_WRITABLE;
    if (result->metadata.count == 0) result->metadata = (spw_kvs){ attempt->metadata.items, attempt->metadata.count };
    result->logs_dropped = attempt->logs_dropped;
    result->text_replaced = attempt->text_replaced;
    session->output.completed(session->output.context, attempt->token, result);
}

void attempt_complete_ours(spw_session *session, attempt *attempt, uint32_t origin, int32_t status, uint32_t outcome,
                           const char *code, const char *message) {
    spw_completed result = {
        .origin = origin,
        .status = status,
        .outcome = outcome,
        .fault = { .code = text_of(code), .message = text_of(message) },
        .retry_after_ms = -1,
    };
    attempt_complete(session, attempt, &result);
}

static spindle_status breach(spw_session *session, attempt *attempt, const char *message) {
    atomic_fetch_add(&session->contract_breaches, 1);
    attempt_complete_ours(session, attempt, SPW_ORIGIN_CONTRACT, SPINDLE_OK, SPINDLE_PERMANENT, "spindle.contract",
                          message);
    return SPINDLE_E_INVALID;
}

/* The plugin's error, cleaned and cut, into a result. */
static void take_error(attempt *attempt, const spindle_error *from, spw_fault *fault, spw_arena *arena) {
    spindle_error error;
    uint64_t *replaced = &attempt->text_replaced;
    memset(&error, 0, sizeof error);
    memcpy(&error, from, from->struct_size < sizeof error ? from->struct_size : sizeof error);
    fault->code = text_is_code(from_str(error.code)) ? from_str(error.code) : text_of("error");
    fault->message = text_clean(from_str(error.message), SPINDLE_MAX_MESSAGE_BYTES, arena, replaced);
    if (error.details.len <= SPINDLE_MAX_DETAILS_BYTES) { /* JSON that was cut is no JSON */
        fault->details = text_clean(from_str(error.details), SPINDLE_MAX_DETAILS_BYTES, arena, replaced);
    }
    fault->pointer = text_clean(from_str(error.pointer), SPINDLE_MAX_MESSAGE_BYTES, arena, replaced);
    fault->stack_trace = text_clean(from_str(error.stack_trace), SPINDLE_MAX_STACK_TRACE_BYTES, arena, replaced);
}

static spw_kv clean_item(attempt *attempt, const spindle_kv *item, spw_arena *arena) {
    return (spw_kv){ text_clean(from_str(item->key), SIZE_MAX / 8, arena, &attempt->text_replaced),
                     text_clean(from_str(item->value), SIZE_MAX / 8, arena, &attempt->text_replaced) };
}

/* Whether they can be passed on where they are: no key is there twice, none is empty, together they fit. */
static int items_are_good(const spw_kv *items, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        size_t key = items[i].key.len, value = items[i].value.len;
        if (key == 0 || key > SPINDLE_MAX_NAME_BYTES || value > SPINDLE_MAX_METADATA_BYTES) return 0;
        bytes += key + value;
        if (bytes > SPINDLE_MAX_METADATA_BYTES) return 0;
        for (size_t j = 0; j < i; j++) {
            if (spindle_str_equal(to_str(items[i].key), to_str(items[j].key))) return 0;
        }
    }
    return 1;
}

enum { MANY_ITEMS = 64 }; /* more are looked through once only */

/* What the result gives, with what was given before; of a key that is there twice the newest. Without a copy where there is nothing to
 * join, which is nearly always. */
static spindle_status take_metadata(attempt *attempt, const spindle_result *result, spw_kvs *all, spw_arena *arena) {
    size_t count = result->metadata_count;
    uint64_t replaced = attempt->text_replaced;
    if (attempt->metadata.count == 0 && count <= MANY_ITEMS) {
        spw_kv *items = spw_arena_allocate(arena, count * sizeof *items);
        if (items == NULL) return SPINDLE_E_INTERNAL;
        for (size_t i = 0; i < count; i++) items[i] = clean_item(attempt, &result->metadata[i], arena);
        if (items_are_good(items, count)) {
            *all = (spw_kvs){ items, count };
            return SPINDLE_OK;
        }
        attempt->text_replaced = replaced; /* they are cleaned once more */
    }
    for (size_t i = 0; i < count; i++) {
        spw_kv item = clean_item(attempt, &result->metadata[i], arena);
        spindle_status status = attempt_add_metadata(attempt, item.key, item.value);
        if (status != SPINDLE_OK) return status;
    }
    return SPINDLE_OK;
}

static spindle_status too_large(spw_session *session, attempt *attempt, const char *message) {
    attempt_complete_ours(session, attempt, SPW_ORIGIN_CONTRACT, SPINDLE_E_LIMIT, SPINDLE_PERMANENT,
                          "spindle.too_large", message);
    return SPINDLE_E_LIMIT;
}

spindle_status attempt_complete_plugin(spw_session *session, attempt *attempt, const spindle_result *from) {
    spindle_result result = { .retry_after_ms = -1 };
    size_t least = offsetof(spindle_result, outcome) + sizeof(from->outcome);
    if (from == NULL || from->struct_size < least) {
        return breach(session, attempt, "complete was called with a result that is NULL or too short");
    }
    memcpy(&result, from, from->struct_size < sizeof result ? from->struct_size : sizeof result);
    if (result.outcome < SPINDLE_SUCCESS || result.outcome > SPINDLE_CANCELLED) {
        return breach(session, attempt, "complete was called with an outcome that does not exist");
    }
    if (result.output.len > SPINDLE_MAX_OUTPUT_BYTES) {
        return too_large(session, attempt, "the output is over 1 MiB: write an artefact instead");
    }
    spw_arena arena = { 0 };
    spw_kvs metadata = { 0 };
    if (result.metadata != NULL && result.metadata_count > 0) {
        spindle_status status = take_metadata(attempt, &result, &metadata, &arena);
        if (status != SPINDLE_OK) {
            spw_arena_free(&arena);
            return status == SPINDLE_E_LIMIT ? too_large(session, attempt, "the metadata are over 64 KiB")
                                             : breach(session, attempt, "a metadata key of the result is empty");
        }
    }
    spw_completed told = {
        .origin = SPW_ORIGIN_PLUGIN,
        .outcome = (uint32_t)result.outcome,
        .output = from_str(result.output),
        .content_type = text_clean(from_str(result.content_type), SPINDLE_MAX_NAME_BYTES, &arena,
                                   &attempt->text_replaced),
        .metadata = metadata,
        .retry_after_ms = result.retry_after_ms > 0 ? result.retry_after_ms : -1,
    };
    if (result.error != NULL) take_error(attempt, result.error, &told.fault, &arena);
    else if (told.outcome != SPINDLE_SUCCESS) told.fault.code = text_of("error");
    if (attempt->text_replaced > 0) atomic_fetch_add(&session->text_replaced, attempt->text_replaced);
    attempt_complete(session, attempt, &told);
    spw_arena_free(&arena);
    return SPINDLE_OK;
}
