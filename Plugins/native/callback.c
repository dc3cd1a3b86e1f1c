#include "callback.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_KEPT ((size_t)1000000) /* calls that `collect` keeps */
#define PROGRESS_NS INT64_C(20000000)

/* The argument as JSON; pointers, which mean nothing outside, are left out (NULL without a problem). */
static json_t *argument(struct callback *c, struct marshal *m, size_t index, void **values) {
    const struct item *item = &c->type->arguments[index];
    const void *at = values[index];
    size_t count = 1;
    if (item->direction == DIRECTION_VALUE) return item->type->kind == KIND_PTR ? NULL : value_read(m, item->type, at);
    memcpy(&at, at, sizeof at);
    if (at == NULL) return json_null();
    if (item->shape == SHAPE_ONE) return value_read(m, item->type, at);
    if (item->count_kind == COUNT_FIXED) {
        count = item->count;
    } else {
        const struct type *type = c->type->arguments[item->count].type;
        uint64_t given = integer_read(type, values[item->count]);
        count = type->is_signed && (int64_t)given < 0 ? 0
                : given > SIGNATURE_MOST_ELEMENTS     ? SIGNATURE_MOST_ELEMENTS
                                                      : (size_t)given;
    }
    if (item->shape == SHAPE_BYTES) {
        if (count > m->arena->most) count = m->arena->most;
        m->read->text_bytes += count;
        return bytes_read(m, at, count);
    }
    return elements_read(m, item->type, at, count);
}

static json_t *all_arguments(struct callback *c, struct marshal *m, void **values) {
    json_t *array = json_array();
    size_t i;
    for (i = 0; array != NULL && i < c->type->count; i++) {
        json_t *value = argument(c, m, i, values);
        if (value != NULL && json_array_append_new(array, value) == 0) continue;
        if (value == NULL && c->problem.code[0] == 0) continue; /* a pointer */
        json_decref(array);
        array = NULL;
    }
    return array;
}

/* A marshal of its own: handles are the call's, and what goes wrong here is told after it. */
static struct marshal reader(struct callback *c) {
    struct marshal m = { .request = c->m->request, .arena = c->m->arena, .problem = &c->problem, .read = &c->read };
    return m;
}

static void collect(struct callback *c, void **values) {
    struct marshal m = reader(c);
    json_t *record;
    if (c->problem.code[0] != 0) return;
    if (json_array_size(c->collected) >= MOST_KEPT || c->read.text_bytes > c->m->arena->most) {
        (void)problem_set(
            &c->problem, "native.limit", NULL,
            "the callback was called with more than can be collected: at most %zu calls and the %zu bytes of \"maxBytes\"",
            MOST_KEPT, c->m->arena->most);
        return;
    }
    record = all_arguments(c, &m, values);
    c->read.text_bytes += 16 * (c->type->count + 1);
    if (record == NULL || json_array_append_new(c->collected, record) != 0) {
        if (c->problem.code[0] == 0) (void)marshal_memory(&m);
    }
}

static void log_line(struct callback *c, void **values) {
    const spindle_request *request = c->m->request;
    struct marshal m = reader(c);
    char line[2048];
    size_t length = 0, i;
    if (!SPINDLE_OFFERS(request->host, log)) return;
    for (i = 0; i < c->type->count && length + 1 < sizeof line; i++) {
        json_t *value = argument(c, &m, i, values);
        char *text = json_is_string(value) ? NULL : value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        const char *shown_text = json_is_string(value) ? json_string_value(value) : text;
        if (shown_text != NULL) {
            int added = snprintf(line + length, sizeof line - length, "%s%s", length == 0 ? "" : " ", shown_text);
            length = added < 0 ? length : length + (size_t)added < sizeof line ? length + (size_t)added : sizeof line - 1;
        }
        free(text);
        json_decref(value);
    }
    (void)request->host->log(request->ctx, request->handle, SPINDLE_LOG_INFO, spindle_str_make(line, length), NULL, 0);
}

static int64_t whole(const struct type *type, const void *at) {
    long double number = number_read(type, at);
    return number > -9e18L && number < 9e18L ? (int64_t)number : -1;
}

/* The first number is what is done, the second the whole, a text the note. */
static void progress(struct callback *c, void **values) {
    const spindle_request *request = c->m->request;
    int64_t numbers[2] = { 0, -1 };
    const char *note = NULL;
    size_t found = 0, i;
    struct timespec now;
    int64_t now_ns;
    if (spindle_cancel_state(request) > SPINDLE_CANCEL_NONE) c->stopped = true;
    for (i = 0; i < c->type->count; i++) {
        const struct item *item = &c->type->arguments[i];
        if (item->direction != DIRECTION_VALUE) continue;
        if ((type_is_integer(item->type) || item->type->kind == KIND_REAL) && found < 2) {
            numbers[found++] = whole(item->type, values[i]);
        }
        if (item->type->kind == KIND_CSTR && note == NULL) memcpy(&note, values[i], sizeof note);
    }
    if (!SPINDLE_OFFERS(request->host, progress)) return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    /* A library may report a million times a second; only the newest is sure to be kept anyway. */
    if (c->last_progress_ns != 0 && now_ns - c->last_progress_ns < PROGRESS_NS && numbers[0] != numbers[1]) return;
    c->last_progress_ns = now_ns;
    (void)request->host->progress(request->ctx, request->handle, numbers[0], numbers[1],
                                  spindle_str_make(note, note == NULL ? 0 : strnlen(note, SPINDLE_MAX_PROGRESS_NOTE_BYTES)));
}

/* libffi wants a small integer as a whole ffi_arg. */
static void answer(const struct type *type, int64_t value, void *result) {
    ffi_arg wide = (ffi_arg)value;
    if (type->kind != KIND_VOID) memcpy(result, &wide, sizeof wide);
}

static void called(ffi_cif *cif, void *result, void **values, void *opaque) {
    struct callback *c = opaque;
    const spindle_request *request = c->m->request;
    const void *a, *b;
    int64_t value = 0;
    int number = errno; /* the function's, which goes on with it */
    spindle_handle before = 0;
    (void)cif;
    if (c->type->element != NULL) {
        memcpy(&a, values[0], sizeof a);
        memcpy(&b, values[1], sizeof b);
        value = compare_values(c->type->element, a, b);
        if (c->type->kind == CALLBACK_DESCENDING) value = -value;
        answer(c->type->result, value < 0 ? -1 : value > 0, result);
        return;
    }
    (void)pthread_mutex_lock(&c->lock);
    if (SPINDLE_OFFERS(request->host, enter)) before = request->host->enter(request->ctx, request->handle);
    if (c->type->kind == CALLBACK_PROGRESS) {
        progress(c, values);
        value = c->stopped ? c->type->stop : c->type->go;
    } else if (c->type->kind == CALLBACK_LOG) {
        log_line(c, values);
    } else {
        collect(c, values);
    }
    if (SPINDLE_OFFERS(request->host, enter)) (void)request->host->enter(request->ctx, before);
    (void)pthread_mutex_unlock(&c->lock);
    answer(c->type->result, value, result);
    errno = number;
}

int callback_open(struct callback *callback, const struct callback_type *type, struct marshal *m) {
    callback->type = type;
    callback->m = m;
    (void)pthread_mutex_init(&callback->lock, NULL);
    callback->collected = json_array();
    callback->closure = ffi_closure_alloc(sizeof *callback->closure, &callback->code);
    if (callback->collected == NULL) return marshal_memory(m);
    if (callback->closure == NULL ||
        ffi_prep_closure_loc(callback->closure, type->cif, called, callback, callback->code) != FFI_OK) {
        return problem_set(m->problem, "native.callback", NULL,
                           "no callback can be made here: this libffi needs memory that is written and executed; an operator can "
                           "grant needs: {jit: true}");
    }
    return 0;
}

void callback_close(struct callback *callback) {
    if (callback->type == NULL) return;
    if (callback->closure != NULL) ffi_closure_free(callback->closure);
    json_decref(callback->collected);
    (void)pthread_mutex_destroy(&callback->lock);
}
