/* From the arguments of a job to what libffi takes. */
#include "call.h"

#include <stdio.h>
#include <string.h>

#define GUARD_BYTES 32
#define GUARD 0xA5

/* Room with bytes behind it that must be the same after the call. */
static int allocate(struct call *call, struct slot *slot, size_t size, bool guarded) {
    char *memory = arena_alloc(call->m->arena, size + (guarded ? GUARD_BYTES : 0));
    if (memory == NULL) return marshal_memory(call->m);
    if (guarded) {
        memset(memory + size, GUARD, GUARD_BYTES);
        slot->guard = size;
    }
    slot->memory = slot->pointer = memory;
    return 0;
}

bool call_guards_hold(const struct call *call, size_t *item) {
    size_t i, k;
    for (i = 0; i < call->function->signature.count; i++) {
        const struct slot *slot = &call->slots[i];
        const unsigned char *at = slot->memory;
        if (!item_gives_value(&call->function->signature.items[i])) continue;
        for (k = 0; k < GUARD_BYTES; k++) {
            if (at[slot->guard + k] != GUARD) return *item = i, false;
        }
    }
    return true;
}

/* What the configuration allows of a number, which is in memory already; a NaN is in no range. */
static int check_bounds(struct call *call, size_t index) {
    const struct note *note = &call->function->notes[index];
    long double number;
    if (note->least == NULL && note->most == NULL) return 0;
    number = number_read(call->function->signature.items[index].type, call->slots[index].memory);
    if (note->least != NULL && !(number >= json_number_value(note->least))) {
        return argument_fail(call->m, "%.17Lg is below the minimum of %.17g", number, json_number_value(note->least));
    }
    if (note->most != NULL && !(number <= json_number_value(note->most))) {
        return argument_fail(call->m, "%.17Lg is above the maximum of %.17g", number, json_number_value(note->most));
    }
    return 0;
}

static int write_one(struct call *call, const struct item *item, struct slot *slot, const json_t *value) {
    slot->count = 1;
    /* At least 16 bytes: of a struct that libffi gets in halves the second may be shorter than a double. */
    if (allocate(call, slot, item->direction == DIRECTION_INOUT || item->type->size > 16 ? item->type->size : 16,
                 item->direction == DIRECTION_INOUT) != 0) {
        return -1;
    }
    return value_write(call->m, item->type, value, slot->memory);
}

static int write_bytes(struct call *call, const struct item *item, struct slot *slot, const json_t *value) {
    const char *bytes;
    if (bytes_write(call->m, value, &bytes, &slot->count) != 0) return -1;
    if (item->direction == DIRECTION_IN) {
        slot->memory = slot->pointer = (void *)bytes;
        return 0;
    }
    if (allocate(call, slot, slot->count, true) != 0) return -1;
    if (slot->count > 0) memcpy(slot->memory, bytes, slot->count);
    return 0;
}

static int write_elements(struct call *call, const struct item *item, struct slot *slot, const json_t *value) {
    size_t i, before;
    if (!json_is_array(value)) return argument_fail(call->m, "a JSON array is needed");
    slot->count = json_array_size(value);
    if (allocate(call, slot, slot->count * item->type->size, item->direction == DIRECTION_INOUT) != 0) return -1;
    for (i = 0; i < slot->count; i++) {
        before = path_enter_index(call->m, i);
        if (value_write(call->m, item->type, json_array_get(value, i), (char *)slot->memory + i * item->type->size) != 0) return -1;
        path_leave(call->m, before);
    }
    return 0;
}

static int write_given(struct call *call, size_t index, const json_t *value) {
    const struct item *item = &call->function->signature.items[index];
    struct slot *slot = &call->slots[index];
    const json_t *followed;
    if (item->direction == DIRECTION_OUT) { /* [*] */
        const json_t *room = value_followed(call->m, value);
        const struct type *size = type_scalar("size", 4);
        uint64_t count;
        if (room == NULL || value_write(call->m, size, room, &count) != 0) return -1;
        if (count < 1 || count > SIGNATURE_MOST_ELEMENTS) {
            return argument_fail(call->m, "room for 1 to %zu elements can be given", SIGNATURE_MOST_ELEMENTS);
        }
        slot->count = (size_t)count;
        return 0;
    }
    if (item->shape == SHAPE_ONE && item->type->kind == KIND_PTR) return write_one(call, item, slot, value);
    call->m->referred = false;
    followed = value_followed(call->m, value);
    if (followed == NULL) return -1;
    if (json_is_null(followed) && item->shape != SHAPE_ONE) {
        if (!item->nullable) return argument_fail(call->m, "null is not allowed; the signature has to end in ? for that");
        return allocate(call, slot, 0, false) == 0 ? (slot->pointer = NULL, 0) : -1;
    }
    if (item->shape == SHAPE_BYTES) return write_bytes(call, item, slot, followed);
    if (item->shape != SHAPE_ONE) return write_elements(call, item, slot, followed);
    if (write_one(call, item, slot, value) != 0) return -1;
    return call->function->notes == NULL ? 0 : check_bounds(call, index);
}

/* The number that [$K] means; the item is there already. */
static int count_of(struct call *call, size_t index, size_t *count) {
    const struct item *item = &call->function->signature.items[index];
    uint64_t value = integer_read(item->type, call->slots[index].memory);
    if ((item->type->is_signed && (int64_t)value < 0) || value > SIGNATURE_MOST_ELEMENTS) {
        return argument_fail(call->m, "argument $%zu says how many elements there are, so it must be from 0 to %zu", index,
                             SIGNATURE_MOST_ELEMENTS);
    }
    *count = (size_t)value;
    return 0;
}

static int check_count(struct call *call, size_t index) {
    const struct item *item = &call->function->signature.items[index];
    struct slot *slot = &call->slots[index];
    size_t wanted = item->count;
    if (item->shape == SHAPE_ONE || item->count_kind == COUNT_FREE || slot->pointer == NULL) return 0;
    if (item->count_kind == COUNT_ITEM && count_of(call, item->count, &wanted) != 0) return -1;
    if (slot->count == wanted) return 0;
    return argument_fail(call->m, "item %zu of the signature needs %zu elements, and %zu are given", index, wanted, slot->count);
}

static int make_room(struct call *call, size_t index) {
    const struct item *item = &call->function->signature.items[index];
    struct slot *slot = &call->slots[index];
    if (item->shape == SHAPE_ONE) slot->count = 1;
    if (item->count_kind == COUNT_FIXED) slot->count = item->count;
    if (item->count_kind == COUNT_ITEM && count_of(call, item->count, &slot->count) != 0) return -1;
    if (item->shape == SHAPE_ARRAY && slot->count > READ_MOST_ELEMENTS) {
        return problem_set(call->m->problem, "native.limit", call->m->path,
                           "an array in a result has at most %zu elements; use bytes for more", READ_MOST_ELEMENTS);
    }
    return allocate(call, slot, slot->count * item->type->size, true);
}

static int write_length(struct call *call, const struct type *type, size_t count, void *at) {
    if (!integer_fits(type, false, count)) {
        return argument_fail(call->m, "%zu elements are more than the length %s can say", count, type->name);
    }
    integer_write(type, count, at);
    return 0;
}

static int finish(struct call *call) {
    const struct signature *signature = &call->function->signature;
    size_t i, c = 0;
    for (i = 0; i < signature->count; i++) {
        const struct item *item = &signature->items[i];
        struct slot *slot = &call->slots[i];
        if (item->shape == SHAPE_LENGTH_OF) {
            if (allocate(call, slot, item->type->size, false) != 0 ||
                write_length(call, item->type, call->slots[item->count].count, slot->memory) != 0) {
                return -1;
            }
        } else if (item->shape == SHAPE_CALLBACK) {
            if (callback_open(&slot->callback, item->callback, call->m) != 0) return -1;
            slot->pointer = slot->callback.code;
        }
        call->values[c++] = item->direction == DIRECTION_VALUE && item->shape != SHAPE_CALLBACK ? slot->memory : &slot->pointer;
        if (signature->halved[i]) call->values[c++] = (char *)slot->memory + 8;
        if (item->length_kind == LENGTH_NONE) continue;
        if (item->length_kind != LENGTH_OUT && write_length(call, item->length, slot->count, slot->length) != 0) return -1;
        slot->length_pointer = slot->length;
        call->values[c++] = item->length_kind == LENGTH_VALUE ? (void *)slot->length : &slot->length_pointer;
    }
    return 0;
}

int call_prepare(struct call *call, const json_t *arguments) {
    const struct signature *signature = &call->function->signature;
    size_t i, given = 0, before = strlen(call->m->path);
    const struct type *type = signature->result.type;
    /* libffi widens small results; a struct may be longer than it. */
    size_t room = signature->result.shape == SHAPE_ONE && type->size > sizeof(ffi_arg) ? type->size : sizeof(ffi_arg);
    call->result = arena_alloc(call->m->arena, room);
    if (call->result == NULL) return marshal_memory(call->m);
    for (i = 0; i < signature->count; i++) {
        if (!item_takes_argument(&signature->items[i])) continue;
        (void)path_enter_index(call->m, given);
        if (write_given(call, i, json_array_get(arguments, given)) != 0) return -1;
        path_leave(call->m, before);
        given++;
    }
    for (i = 0; i < signature->count; i++) {
        bool out = signature->items[i].direction == DIRECTION_OUT;
        if (out ? make_room(call, i) != 0 : check_count(call, i) != 0) return -1;
    }
    return finish(call);
}
