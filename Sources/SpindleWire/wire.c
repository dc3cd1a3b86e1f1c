/* One encoder and one decoder for all messages, driven by the tables of messages.c. */
#include "SpindleWire.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "messages.h"

static void store32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static void store64(uint8_t *at, uint64_t value) {
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t load32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t load64(const uint8_t *at) {
    return (uint64_t)load32(at) | (uint64_t)load32(at + 4) << 32;
}

/* ---- Encoding: measure first, so that room is made once and an error adds nothing. --------------------------------- */

/* Every addend is below the address space, and a sum over SPW_FRAME_MAX stays over it. */
static size_t plus(size_t sum, size_t more) {
    return more > SPW_FRAME_MAX || sum > SPW_FRAME_MAX ? (size_t)SPW_FRAME_MAX + 1 : sum + more;
}

static size_t measure(const message_layout *layout, const uint8_t *message) {
    size_t sum = SPW_HEADER_SIZE;
    for (size_t i = 0; i < layout->field_count; i++) {
        const uint8_t *at = message + layout->fields[i].offset;
        switch (layout->fields[i].kind) {
        case FIELD_U32: sum = plus(sum, 4); break;
        case FIELD_U64:
        case FIELD_I64: sum = plus(sum, 8); break;
        case FIELD_BYTES: sum = plus(plus(sum, 4), ((const spw_bytes *)(const void *)at)->len); break;
        case FIELD_KVS: {
            const spw_kvs *list = (const void *)at;
            sum = plus(sum, 4);
            for (size_t k = 0; k < list->count && sum <= SPW_FRAME_MAX; k++) {
                sum = plus(plus(plus(sum, 8), list->items[k].key.len), list->items[k].value.len);
            }
            break;
        }
        case FIELD_LIST: {
            const spw_list *list = (const void *)at;
            sum = plus(sum, 4);
            for (size_t k = 0; k < list->count && sum <= SPW_FRAME_MAX; k++) {
                sum = plus(plus(sum, 4), list->items[k].len);
            }
            break;
        }
        }
    }
    return sum;
}

static uint8_t *put_bytes(uint8_t *out, spw_bytes bytes) {
    store32(out, (uint32_t)bytes.len);
    if (bytes.len > 0) memcpy(out + 4, bytes.ptr, bytes.len);
    return out + 4 + bytes.len;
}

static uint8_t *put(uint8_t *out, const field *field, const uint8_t *message) {
    const void *at = message + field->offset;
    switch (field->kind) {
    case FIELD_U32: store32(out, *(const uint32_t *)at); return out + 4;
    case FIELD_U64: store64(out, *(const uint64_t *)at); return out + 8;
    case FIELD_I64: store64(out, (uint64_t) * (const int64_t *)at); return out + 8;
    case FIELD_BYTES: return put_bytes(out, *(const spw_bytes *)at);
    case FIELD_KVS: {
        const spw_kvs *list = at;
        store32(out, (uint32_t)list->count);
        out += 4;
        for (size_t k = 0; k < list->count; k++) {
            out = put_bytes(put_bytes(out, list->items[k].key), list->items[k].value);
        }
        return out;
    }
    default: {
        const spw_list *list = at;
        store32(out, (uint32_t)list->count);
        out += 4;
        for (size_t k = 0; k < list->count; k++) out = put_bytes(out, list->items[k]);
        return out;
    }
    }
}

static int reserve(spw_buffer *buffer, size_t more) {
    if (buffer->capacity - buffer->length >= more) return SPW_OK;
    size_t capacity = buffer->capacity == 0 ? 4096 : buffer->capacity;
    while (capacity - buffer->length < more) capacity *= 2;
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL) return SPW_E_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
    return SPW_OK;
}

int spw_encode(spw_buffer *buffer, uint16_t type, uint16_t flags, uint64_t handle, const void *message) {
    const message_layout *layout = message_layout_of(type);
    if (layout == NULL || (message == NULL && layout->size != 0)) return SPW_E_TYPE;
    size_t size = measure(layout, message);
    if (size > SPW_FRAME_MAX) return SPW_E_TOO_LARGE;
    int status = reserve(buffer, size);
    if (status != SPW_OK) return status;
    uint8_t *out = buffer->data + buffer->length;
    store32(out, (uint32_t)(size - SPW_HEADER_SIZE));
    out[4] = (uint8_t)type;
    out[5] = (uint8_t)(type >> 8);
    out[6] = (uint8_t)flags;
    out[7] = (uint8_t)(flags >> 8);
    store64(out + 8, handle);
    out += SPW_HEADER_SIZE;
    for (size_t i = 0; i < layout->field_count; i++) out = put(out, &layout->fields[i], message);
    buffer->length += size;
    return SPW_OK;
}

/* ---- Decoding: a cursor that cannot leave the body. --------------------------------------------------------------- */

typedef struct cursor {
    const uint8_t *at;
    size_t left;
} cursor;

static int take(cursor *cursor, size_t count, const uint8_t **bytes) {
    if (cursor->left < count) return SPW_E_MALFORMED;
    *bytes = cursor->at;
    cursor->at += count;
    cursor->left -= count;
    return SPW_OK;
}

static int take_u32(cursor *cursor, uint32_t *value) {
    const uint8_t *at;
    if (take(cursor, 4, &at) != SPW_OK) return SPW_E_MALFORMED;
    *value = load32(at);
    return SPW_OK;
}

static int take_bytes(cursor *cursor, spw_bytes *bytes) {
    uint32_t length;
    const uint8_t *at;
    if (take_u32(cursor, &length) != SPW_OK || take(cursor, length, &at) != SPW_OK) return SPW_E_MALFORMED;
    bytes->ptr = length == 0 ? NULL : at;
    bytes->len = length;
    return SPW_OK;
}

typedef struct block {
    struct block *next;
    void *items[]; /* a flexible array of pointers: aligned for anything that is put here */
} block;

void *spw_arena_allocate(spw_arena *arena, size_t size) {
    block *made = malloc(sizeof(block) + size);
    if (made == NULL) return NULL;
    made->next = arena->blocks;
    arena->blocks = made;
    return made->items;
}

void spw_arena_free(spw_arena *arena) {
    block *next = arena->blocks;
    arena->blocks = NULL;
    while (next != NULL) {
        block *gone = next;
        next = next->next;
        free(gone);
    }
}

/* A list of `width` byte strings an item. Each item takes 4 bytes at least, which bounds the count by the body. */
static int take_list(cursor *cursor, size_t width, spw_arena *arena, spw_bytes **items, size_t *count) {
    uint32_t claimed;
    if (take_u32(cursor, &claimed) != SPW_OK || claimed > cursor->left / (4 * width)) return SPW_E_MALFORMED;
    *items = NULL;
    *count = claimed;
    if (claimed == 0) return SPW_OK;
    spw_bytes *made = spw_arena_allocate(arena, claimed * width * sizeof(spw_bytes));
    if (made == NULL) return SPW_E_MEMORY;
    for (size_t i = 0; i < claimed * width; i++) {
        if (take_bytes(cursor, &made[i]) != SPW_OK) return SPW_E_MALFORMED;
    }
    *items = made;
    return SPW_OK;
}

_Static_assert(sizeof(spw_kv) == 2 * sizeof(spw_bytes), "a key and its value are two byte strings in a row");

static int take_field(cursor *cursor, const field *field, uint8_t *message, spw_arena *arena) {
    void *to = message + field->offset;
    const uint8_t *at;
    spw_bytes *items;
    size_t count;
    int status;
    switch (field->kind) {
    case FIELD_U32: return take_u32(cursor, to);
    case FIELD_U64:
    case FIELD_I64:
        if (take(cursor, 8, &at) != SPW_OK) return SPW_E_MALFORMED;
        *(uint64_t *)to = load64(at);
        return SPW_OK;
    case FIELD_BYTES: return take_bytes(cursor, to);
    case FIELD_KVS:
        status = take_list(cursor, 2, arena, &items, &count);
        if (status == SPW_OK) *(spw_kvs *)to = (spw_kvs){ (const spw_kv *)(const void *)items, count };
        return status;
    default:
        status = take_list(cursor, 1, arena, &items, &count);
        if (status == SPW_OK) *(spw_list *)to = (spw_list){ items, count };
        return status;
    }
}

int spw_decode(const spw_frame *frame, void *message, size_t size, spw_arena *arena) {
    const message_layout *layout = message_layout_of(frame->type);
    if (layout == NULL || layout->size != size) return SPW_E_TYPE;
    if (size > 0) memset(message, 0, size);
    cursor cursor = { frame->body.ptr, frame->body.len };
    for (size_t i = 0; i < layout->field_count; i++) {
        int status = take_field(&cursor, &layout->fields[i], message, arena);
        if (status != SPW_OK) return status;
    }
    return cursor.left == 0 ? SPW_OK : SPW_E_MALFORMED;
}

int spw_next(const void *data, size_t length, spw_frame *frame, size_t *consumed) {
    const uint8_t *at = data;
    if (length < SPW_HEADER_SIZE) return SPW_MORE;
    uint32_t body = load32(at);
    if (body > SPW_FRAME_MAX - SPW_HEADER_SIZE) return SPW_E_MALFORMED;
    frame->type = (uint16_t)(at[4] | at[5] << 8);
    frame->flags = (uint16_t)(at[6] | at[7] << 8);
    if (message_layout_of(frame->type) == NULL) return SPW_E_MALFORMED;
    if (length - SPW_HEADER_SIZE < body) return SPW_MORE;
    frame->handle = load64(at + 8);
    frame->body = (spw_bytes){ at + SPW_HEADER_SIZE, body };
    *consumed = SPW_HEADER_SIZE + (size_t)body;
    return SPW_OK;
}
