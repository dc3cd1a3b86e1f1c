/* "callback" KIND "(" … ")" "->" TYPE: what the function calls back. */
#include "signature.h"

#include <string.h>

#define MOST_ARGUMENTS 16

static const char *const kinds[] = { "progress", "log", "collect", "compare", "descending" };

/* compare(T): two pointers to T. */
static int scan_element(struct scanner *s, struct callback_type *callback) {
    callback->element = scan_type(s);
    if (callback->element == NULL) return -1;
    if (callback->element->kind == KIND_VOID || callback->element->kind == KIND_PTR) {
        return scan_fail(s, "there is nothing to compare in %s", callback->element->name);
    }
    callback->count = 2;
    return 0;
}

static int scan_arguments(struct scanner *s, struct callback_type *callback) {
    struct item *arguments = arena_alloc(s->arena, MOST_ARGUMENTS * sizeof *arguments);
    size_t i;
    if (arguments == NULL) return problem_memory(s->problem, s->arena);
    callback->arguments = arguments;
    if (scan_peek(s, ")")) return 0;
    do {
        struct item *item = &arguments[callback->count];
        if (callback->count == MOST_ARGUMENTS) return scan_fail(s, "a callback has at most %d arguments", MOST_ARGUMENTS);
        if (scan_item(s, item) != 0) return -1;
        callback->count++;
        if (item->shape == SHAPE_CALLBACK || item->shape == SHAPE_LENGTH_OF || item->length != NULL ||
            (item->direction != DIRECTION_VALUE && item->direction != DIRECTION_IN)) {
            return scan_fail(s, "a callback takes values, \"in TYPE\", TYPE[N], TYPE[$K] and bytes[$K]");
        }
        if (item->shape != SHAPE_ONE && item->count_kind == COUNT_FREE) {
            return scan_fail(s, "an array that a callback is given needs a size: [N] or [$K]");
        }
    } while (scan_mark(s, ","));
    for (i = 0; i < callback->count; i++) {
        const struct item *item = &arguments[i];
        if (item->count_kind != COUNT_ITEM) continue;
        if (item->count >= callback->count || arguments[item->count].direction != DIRECTION_VALUE ||
            arguments[item->count].type->kind != KIND_INTEGER) {
            return scan_fail(s, "$%zu is not an integer of the callback", item->count);
        }
    }
    return 0;
}

/* [ "stop" "(" N ")" ] [ "go" "(" N ")" ] */
static int scan_answers(struct scanner *s, struct callback_type *callback) {
    callback->stop = 1;
    for (;;) {
        int64_t *value = scan_word(s, "stop") ? &callback->stop : scan_word(s, "go") ? &callback->go : NULL;
        if (value == NULL) break;
        if (scan_expect(s, "(") != 0 || scan_integer(s, value) != 0 || scan_expect(s, ")") != 0) return -1;
        if (!integer_fits(callback->result, *value < 0, *value < 0 ? (uint64_t)0 - (uint64_t)*value : (uint64_t)*value)) {
            return scan_fail(s, "%lld does not fit %s", (long long)*value, callback->result->name);
        }
    }
    return 0;
}

static int prepare(struct scanner *s, struct callback_type *callback) {
    size_t i;
    callback->types = arena_alloc(s->arena, (callback->count + 1) * sizeof *callback->types);
    callback->cif = arena_alloc(s->arena, sizeof *callback->cif);
    if (callback->types == NULL || callback->cif == NULL) return problem_memory(s->problem, s->arena);
    for (i = 0; i < callback->count; i++) {
        callback->types[i] = callback->element != NULL ? &ffi_type_pointer : item_view(&callback->arguments[i]);
    }
    if (ffi_prep_cif(callback->cif, FFI_DEFAULT_ABI, (unsigned)callback->count, callback->result->ffi, callback->types) != FFI_OK) {
        return scan_fail(s, "libffi cannot make such a callback");
    }
    for (i = 0; callback->element == NULL && i < callback->count; i++) {
        const struct item *argument = &callback->arguments[i];
        if (argument->direction == DIRECTION_VALUE && !layout_agrees(argument->type)) {
            return scan_fail(s, "libffi lays a struct out in another way");
        }
    }
    return 0;
}

int scan_callback(struct scanner *s, struct item *item) {
    struct callback_type *callback = arena_alloc(s->arena, sizeof *callback);
    size_t kind = 0;
    if (callback == NULL) return problem_memory(s->problem, s->arena);
    while (kind < sizeof kinds / sizeof *kinds && !scan_word(s, kinds[kind])) kind++;
    if (kind == sizeof kinds / sizeof *kinds) {
        return scan_fail(s, "a callback is one of progress, log, collect, compare, descending");
    }
    callback->kind = (enum callback_kind)kind;
    if (scan_expect(s, "(") != 0) return -1;
    if (callback->kind >= CALLBACK_COMPARE ? scan_element(s, callback) != 0 : scan_arguments(s, callback) != 0) return -1;
    if (scan_expect(s, ")") != 0) return -1;
    if (scan_mark(s, "->")) {
        callback->result = scan_type(s);
        if (callback->result == NULL) return -1;
    } else {
        callback->result = callback->kind >= CALLBACK_COMPARE ? type_scalar("i32", 3) : type_scalar("void", 4);
    }
    if (callback->result->kind != KIND_INTEGER && callback->result->kind != KIND_VOID) {
        return scan_fail(s, "a callback returns an integer or void");
    }
    if (callback->result->kind == KIND_VOID && callback->kind >= CALLBACK_COMPARE) {
        return scan_fail(s, "a comparison returns an integer");
    }
    if (callback->kind == CALLBACK_PROGRESS && callback->result->kind == KIND_INTEGER && scan_answers(s, callback) != 0) return -1;
    item->shape = SHAPE_CALLBACK;
    item->callback = callback;
    item->type = type_scalar("ptr", 3);
    return prepare(s, callback);
}
