/* Errors that a plugin set before it returned one. */
#include <string.h>

#include "session.h"

static spw_bytes keep(spw_arena *arena, spw_bytes bytes) {
    char *copy = bytes.len == 0 ? NULL : spw_arena_allocate(arena, bytes.len);
    if (copy == NULL) return (spw_bytes){ NULL, 0 };
    memcpy(copy, bytes.ptr, bytes.len);
    return (spw_bytes){ copy, bytes.len };
}

static spw_bytes clean(spw_arena *arena, spindle_str text, size_t limit, uint64_t *replaced) {
    return keep(arena, text_clean(from_str(text), limit, arena, replaced));
}

void error_clear(stored_error *error) {
    if (!error->set) return;
    spw_arena_free(&error->arena);
    memset(error, 0, sizeof *error);
}

void error_store(stored_error *error, const spindle_error *from, _Atomic uint64_t *replaced) {
    spindle_error cut;
    uint64_t count = 0;
    memset(&cut, 0, sizeof cut);
    memcpy(&cut, from, from->struct_size < sizeof cut ? from->struct_size : sizeof cut);
    error_clear(error);
    error->set = 1;
    error->outcome = cut.outcome == SPINDLE_RETRYABLE ? SPINDLE_RETRYABLE : SPINDLE_PERMANENT;
    error->fault.code = text_is_code(from_str(cut.code)) ? keep(&error->arena, from_str(cut.code)) : text_of("error");
    error->fault.message = clean(&error->arena, cut.message, SPINDLE_MAX_MESSAGE_BYTES, &count);
    /* JSON that was cut is no JSON: too much of it is left out. */
    if (cut.details.len <= SPINDLE_MAX_DETAILS_BYTES) {
        error->fault.details = clean(&error->arena, cut.details, SPINDLE_MAX_DETAILS_BYTES, &count);
    }
    error->fault.pointer = clean(&error->arena, cut.pointer, SPINDLE_MAX_MESSAGE_BYTES, &count);
    error->fault.stack_trace = clean(&error->arena, cut.stack_trace, SPINDLE_MAX_STACK_TRACE_BYTES, &count);
    atomic_fetch_add_explicit(replaced, count, memory_order_relaxed);
}

static int is_permanent(int32_t status) {
    return status == SPINDLE_E_CONFIG || status == SPINDLE_E_INVALID || status == SPINDLE_E_UNSUPPORTED
        || status == SPINDLE_E_DENIED;
}

void error_answer(stored_error *error, int32_t status, const char *code, const char *message, spw_answer *answer,
                  spw_arena *arena) {
    memset(answer, 0, sizeof *answer);
    answer->status = status;
    if (status < 0 && error != NULL && error->set) {
        answer->outcome = error->outcome;
        answer->fault.code = keep(arena, error->fault.code);
        answer->fault.message = keep(arena, error->fault.message);
        answer->fault.details = keep(arena, error->fault.details);
        answer->fault.pointer = keep(arena, error->fault.pointer);
        answer->fault.stack_trace = keep(arena, error->fault.stack_trace);
    } else if (status < 0) {
        answer->outcome = is_permanent(status) ? SPINDLE_PERMANENT : SPINDLE_RETRYABLE;
        answer->fault.code = text_of(code);
        answer->fault.message = text_of(message);
    }
    if (error != NULL) error_clear(error);
}
