/* Triggers: their kinds, the jobs that they hand over, the answers to those. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

_Static_assert((int)SPW_SUBMISSIONS_MAX == SPINDLE_MAX_SUBMISSIONS, "the host counts on it");

/* What an attempt has handed over and not heard of. Under attempt.lock. */
typedef struct submissions {
    size_t bytes;
    uint32_t free_count;
    uint16_t free[SPINDLE_MAX_SUBMISSIONS];
    uint32_t sizes[SPINDLE_MAX_SUBMISSIONS]; /* 0 = the entry is free */
    uint64_t tokens[SPINDLE_MAX_SUBMISSIONS];
} submissions;

/* ---- The kinds. ----------------------------------------------------------------------------------------------------- */

static int refuse(char *message, size_t capacity, uint32_t index, const char *why) {
    snprintf(message, capacity, "trigger %u: %s", index, why);
    return 0;
}

static int load_trigger(spw_session *session, uint32_t index, const spindle_trigger_descriptor *from, char *message,
                        size_t capacity) {
    const uint32_t flags = SPINDLE_EXECUTOR_BLOCKING | SPINDLE_EXECUTOR_ASYNC;
    size_t least = offsetof(spindle_trigger_descriptor, submitted) + sizeof(from->submitted);
    if (from == NULL) return refuse(message, capacity, index, "it is NULL");
    if (from->struct_size < least) return refuse(message, capacity, index, "its struct_size is too small");
    if (from->submitted == NULL) return refuse(message, capacity, index, "submitted is NULL");
    uint32_t first = session->factory.executor_count;
    if (!load_kind(session, first + index, first, from->executor, message, capacity)) return 0;
    if ((session->kinds[first + index].flags & flags) == 0) {
        return refuse(message, capacity, index, "its flags hold neither ASYNC nor BLOCKING");
    }
    session->submitted[first + index] = from->submitted;
    session->kind_count++;
    return 1;
}

int load_triggers(spw_session *session, char *message, size_t capacity) {
    if (session->factory.get_extension == NULL) return 1;
    const spindle_trigger_factory *from = session->factory.get_extension(SPINDLE_TRIGGER_ID);
    if (from == NULL) return 1;
    size_t least = offsetof(spindle_trigger_factory, triggers) + sizeof(from->triggers);
    if (from->struct_size < least || from->trigger_count < 1 || from->trigger_count > MAX_TRIGGERS || from->triggers == NULL) {
        snprintf(message, capacity, SPINDLE_TRIGGER_ID ": it must offer 1 to %d triggers", MAX_TRIGGERS);
        return 0;
    }
    for (uint32_t i = 0; i < from->trigger_count; i++) {
        if (!load_trigger(session, i, from->triggers[i], message, capacity)) return 0;
    }
    return 1;
}

int kind_is_trigger(const spw_session *session, const spindle_executor_descriptor *kind) {
    return kind - session->kinds >= (ptrdiff_t)session->factory.executor_count;
}

/* ---- Handing over. --------------------------------------------------------------------------------------------------- */

static submissions *submissions_of(attempt *attempt) {
    if (attempt->submissions != NULL) return attempt->submissions;
    submissions *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    for (uint32_t i = 0; i < SPINDLE_MAX_SUBMISSIONS; i++) made->free[i] = (uint16_t)(SPINDLE_MAX_SUBMISSIONS - 1 - i);
    made->free_count = SPINDLE_MAX_SUBMISSIONS;
    attempt->submissions = made;
    return made;
}

/* The parameters, cleaned; *bytes grows by what they take. NULL items with a count: no memory. */
static spw_kvs parameters_of(const spindle_submission *from, size_t *bytes, spw_arena *arena, uint64_t *replaced) {
    size_t count = from->parameters == NULL ? 0 : from->parameter_count;
    spw_kv *items = count == 0 ? NULL : spw_arena_allocate(arena, count * sizeof *items);
    for (size_t i = 0; items != NULL && i < count; i++) {
        items[i].key = text_clean(from_str(from->parameters[i].key), SIZE_MAX / 8, arena, replaced);
        items[i].value = text_clean(from_str(from->parameters[i].value), SIZE_MAX / 8, arena, replaced);
        *bytes += items[i].key.len + items[i].value.len;
    }
    return (spw_kvs){ items, count };
}

/* Texts that no host takes, whatever they say. */
static int is_too_long(const spindle_submission *from) {
    const spindle_str names[] = { from->type, from->job_name, from->content_type, from->idempotency_key, from->traceparent };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].len > SPINDLE_MAX_NAME_BYTES) return 1;
    }
    return from->target.len > 65536 || from->tracestate.len > 4096 || from->payload.len > SPINDLE_MAX_PAYLOAD_BYTES
        || from->parameter_count > SPINDLE_MAX_PARAMETERS;
}

static spindle_status hand_over(spw_session *session, attempt *attempt, uint64_t token, const spindle_submission *from,
                                spw_arena *arena) {
    uint64_t *replaced = &attempt->text_replaced;
    size_t bytes = 0;
    spw_submit told = {
        .type = text_clean(from_str(from->type), SIZE_MAX / 8, arena, replaced),
        .target = text_clean(from_str(from->target), SIZE_MAX / 8, arena, replaced),
        .job_name = text_clean(from_str(from->job_name), SIZE_MAX / 8, arena, replaced),
        .parameters = parameters_of(from, &bytes, arena, replaced),
        .payload = from_str(from->payload),
        .content_type = text_clean(from_str(from->content_type), SIZE_MAX / 8, arena, replaced),
        .idempotency_key = text_clean(from_str(from->idempotency_key), SIZE_MAX / 8, arena, replaced),
        .traceparent = text_clean(from_str(from->traceparent), SIZE_MAX / 8, arena, replaced),
        .tracestate = text_clean(from_str(from->tracestate), SIZE_MAX / 8, arena, replaced),
        .priority = from->priority,
        .delay_ms = from->delay_ms > 0 ? from->delay_ms : 0,
        .start_by_unix_ms = from->start_by_unix_ms > 0 ? from->start_by_unix_ms : -1,
    };
    if (told.parameters.count > 0 && told.parameters.items == NULL) return SPINDLE_E_INTERNAL;
    if (bytes > SPINDLE_MAX_PARAMETER_BYTES) return SPINDLE_E_LIMIT;
    bytes += 1 + told.target.len + told.payload.len;
    submissions *open = submissions_of(attempt);
    if (open == NULL) return SPINDLE_E_INTERNAL;
    if (open->free_count == 0 || open->bytes + bytes > SPINDLE_MAX_SUBMISSION_BYTES) return SPINDLE_AGAIN;
    uint32_t entry = open->free[--open->free_count];
    open->sizes[entry] = (uint32_t)bytes;
    open->tokens[entry] = token;
    open->bytes += bytes;
    told.number = entry + 1;
    session->output.submit(session->output.context, attempt->token, &told);
    return SPINDLE_OK;
}

static spindle_status host_submit(spindle_host_ctx *ctx, spindle_handle h, uint64_t token, const spindle_submission *from) {
    spw_session *session = session_of(ctx);
    spindle_submission submission;
    spindle_status status;
    size_t least = offsetof(spindle_submission, content_type) + sizeof from->content_type;
    if (from == NULL || from->struct_size < least) return SPINDLE_E_INVALID;
    memset(&submission, 0, sizeof submission);
    memcpy(&submission, from, from->struct_size < sizeof submission ? from->struct_size : sizeof submission);
    if (is_too_long(&submission)) return SPINDLE_E_LIMIT;
    if (submission.parameter_count > 0 && submission.parameters == NULL) return SPINDLE_E_INVALID;
    attempt *attempt = attempt_lock(session, h, &status);
    if (attempt == NULL) return status;
    spw_arena arena = { 0 };
    if ((attempt->state & ATTEMPT_COMPLETED) != 0) status = SPINDLE_E_STALE;
    else if (!kind_is_trigger(session, attempt->instance->kind)) status = SPINDLE_E_UNSUPPORTED;
    else status = hand_over(session, attempt, token, &submission, &arena);
    pthread_mutex_unlock(&attempt->lock);
    spw_arena_free(&arena);
    return status;
}

const spindle_trigger_host *session_triggers(void) {
    static const spindle_trigger_host table = { .struct_size = sizeof table, .submit = host_submit };
    return &table;
}

/* ---- Answers. -------------------------------------------------------------------------------------------------------- */

static spw_bytes moved(char **to, spw_bytes from) {
    spw_bytes copy = { *to, from.len };
    if (from.len > 0) memcpy(*to, from.ptr, from.len);
    *to += from.len;
    return copy;
}

void spw_session_submitted(spw_session *session, uint64_t token, const spw_submitted *answer) {
    answer_order *order = malloc(sizeof *order + answer->execution_id.len + answer->code.len + answer->message.len);
    if (order == NULL) abort(); /* an answer that is lost would keep its source waiting for ever */
    char *rest = (char *)(order + 1);
    *order = (answer_order){
        .number = answer->number,
        .status = (int32_t)answer->status,
        .existed = answer->existed,
        .execution_id = moved(&rest, answer->execution_id),
        .code = moved(&rest, answer->code),
        .message = moved(&rest, answer->message),
    };
    pthread_mutex_lock(&session->lock);
    attempt *attempt = session->open_attempts;
    while (attempt != NULL && attempt->token != token) attempt = attempt->next_open;
    if (attempt != NULL) {
        order->handle = atomic_load(&attempt->handle);
        *session->answers_end = order;
        session->answers_end = &order->next;
        pthread_cond_signal(&session->work);
        order = NULL;
    }
    pthread_mutex_unlock(&session->lock);
    free(order);
}

void answer_one(spw_session *session, const answer_order *order) {
    spindle_status status;
    attempt *attempt = attempt_find(session, order->handle, &status);
    if (attempt == NULL) return;
    submissions *open = attempt->submissions;
    uint64_t entry = order->number - 1;
    if (open == NULL || entry >= SPINDLE_MAX_SUBMISSIONS || open->sizes[entry] == 0) {
        pthread_mutex_unlock(&attempt->lock);
        return;
    }
    uint64_t token = open->tokens[entry];
    open->bytes -= open->sizes[entry];
    open->sizes[entry] = 0;
    open->free[open->free_count++] = (uint16_t)entry;
    if ((attempt->state & ATTEMPT_COMPLETED) != 0) {
        pthread_mutex_unlock(&attempt->lock);
        return;
    }
    attempt->calls++;
    instance *instance = attempt->instance;
    void *state = attempt->plugin_state;
    uint64_t name = attempt->token;
    pthread_mutex_unlock(&attempt->lock);
    const spindle_submitted answer = {
        .struct_size = sizeof answer,
        .status = order->status,
        .token = token,
        .execution_id = to_str(order->execution_id),
        .existed = order->existed,
        .error = { .struct_size = sizeof answer.error,
                   .outcome = SPINDLE_PERMANENT,
                   .code = to_str(order->code),
                   .message = to_str(order->message) },
    };
    spindle_handle before = thread_enter(session, order->handle, name);
    session->submitted[instance->kind - session->kinds](instance->state, order->handle, state, &answer);
    thread_enter(session, before, 0);
    pthread_mutex_lock(&attempt->lock);
    attempt->calls--;
    attempt_unlock(session, attempt, 1);
}
