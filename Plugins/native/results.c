/* From what a function left in memory to JSON. */
#include "call.h"

#include <string.h>

/* How many elements the function says there are; never more than there is room for. */
static size_t valid_elements(const struct call *call, size_t index) {
    const struct signature *signature = &call->function->signature;
    const struct item *item = &signature->items[index];
    const struct slot *slot = &call->slots[index];
    const struct type *type = item->length_returned ? signature->result.type : item->length;
    uint64_t said;
    if (!item->length_returned && item->length_kind != LENGTH_INOUT && item->length_kind != LENGTH_OUT) return slot->count;
    said = integer_read(type, item->length_returned ? call->result : slot->length);
    if (type->is_signed && (int64_t)said < 0) return 0;
    return said > slot->count ? slot->count : (size_t)said;
}

static json_t *read_memory(struct call *call, const struct item *item, const void *at, size_t count) {
    struct marshal *m = call->m;
    if (item->shape == SHAPE_ONE) return value_read(m, item->type, at);
    if (item->shape == SHAPE_TEXT) return text_read(m, at, strnlen(at, count));
    if (item->shape == SHAPE_BYTES) return bytes_read(m, at, count);
    return elements_read(m, item->type, at, count);
}

/* After its text was copied: what the function allocated is freed as the signature says. */
static int give_back(struct call *call, const struct item *item, const void *at) {
    native_function address;
    void (*release)(void *);
    void *pointer;
    memcpy(&pointer, at, sizeof pointer);
    if (item->free == NULL || pointer == NULL) return 0;
    if (library_free_function(call->function->library, item->free, &address, call->m->problem) != 0) return -1;
    release = (void (*)(void *))address;
    release(pointer);
    return 0;
}

/* Elements behind a returned pointer: [N] or [$K]. */
static int returned_count(struct call *call, size_t *count) {
    const struct item *result = &call->function->signature.result, *item;
    uint64_t said;
    *count = result->count;
    if (result->count_kind == COUNT_ITEM) {
        item = &call->function->signature.items[result->count];
        said = integer_read(item->type, call->slots[result->count].memory);
        *count = item->type->is_signed && (int64_t)said < 0 ? 0 : (size_t)said;
    }
    if (*count > (result->shape == SHAPE_ARRAY ? READ_MOST_ELEMENTS : call->m->arena->most)) {
        return problem_set(call->m->problem, "native.limit", NULL,
                           "the function returned %zu elements, which is more than a result can have", *count);
    }
    return 0;
}

static json_t *read_result(struct call *call) {
    const struct item *result = &call->function->signature.result;
    size_t before = path_enter(call->m, "result"), count;
    json_t *value;
    const void *pointer;
    if (result->shape == SHAPE_ONE) {
        value = value_read(call->m, result->type, call->result);
    } else {
        memcpy(&pointer, call->result, sizeof pointer);
        value = pointer == NULL ? json_null()
                : returned_count(call, &count) == 0 ? read_memory(call, result, pointer, count) : NULL;
    }
    path_leave(call->m, before);
    return value;
}

static json_t *read_outs(struct call *call) {
    const struct signature *signature = &call->function->signature;
    json_t *outs = json_array();
    size_t i, before = path_enter(call->m, "out"), inner;
    for (i = 0; outs != NULL && i < signature->count; i++) {
        json_t *value;
        if (!item_gives_value(&signature->items[i])) continue;
        inner = path_enter_index(call->m, json_array_size(outs));
        value = read_memory(call, &signature->items[i], call->slots[i].memory, valid_elements(call, i));
        path_leave(call->m, inner);
        if (value == NULL || json_array_append_new(outs, value) != 0) {
            json_decref(outs);
            outs = NULL;
        }
    }
    path_leave(call->m, before);
    return outs;
}

static int give_all_back(struct call *call) {
    const struct signature *signature = &call->function->signature;
    size_t i;
    if (give_back(call, &signature->result, call->result) != 0) return -1;
    for (i = 0; i < signature->count; i++) {
        if (signature->items[i].free != NULL && give_back(call, &signature->items[i], call->slots[i].memory) != 0) return -1;
    }
    return 0;
}

/* One array for each `collect` callback; NULL when there is none. */
static json_t *read_collected(const struct call *call) {
    const struct signature *signature = &call->function->signature;
    json_t *all = NULL;
    size_t i;
    for (i = 0; i < signature->count; i++) {
        const struct item *item = &signature->items[i];
        if (item->shape != SHAPE_CALLBACK || item->callback->kind != CALLBACK_COLLECT) continue;
        if (all == NULL) all = json_array();
        (void)json_array_append(all, call->slots[i].callback.collected);
    }
    return all;
}

json_t *call_results(struct call *call) {
    json_t *result = read_result(call), *outs = result == NULL ? NULL : read_outs(call), *whole, *collected;
    if (outs == NULL || give_all_back(call) != 0) {
        json_decref(result);
        json_decref(outs);
        return NULL;
    }
    whole = json_pack("{s:o,s:o,s:i}", "result", result, "out", outs, "errno", call->error);
    collected = read_collected(call);
    if (whole != NULL && collected != NULL) (void)json_object_set(whole, "collected", collected);
    json_decref(collected);
    return whole;
}
