#include "type.h"

#include <stdio.h>
#include <string.h>

#define INTEGER(label, type, sign, view) \
    { .kind = KIND_INTEGER, .is_signed = sign, .size = sizeof(type), .alignment = _Alignof(type), .ffi = &view, .name = label }
#define OTHER(label, k, type, view) \
    { .kind = k, .size = sizeof(type), .alignment = _Alignof(type), .ffi = &view, .name = label }

_Static_assert(sizeof(size_t) == 8, "written for 64-bit machines");

static const struct type scalars[] = {
    INTEGER("i8", int8_t, true, ffi_type_sint8),
    INTEGER("i16", int16_t, true, ffi_type_sint16),
    INTEGER("i32", int32_t, true, ffi_type_sint32),
    INTEGER("i64", int64_t, true, ffi_type_sint64),
    INTEGER("u8", uint8_t, false, ffi_type_uint8),
    INTEGER("u16", uint16_t, false, ffi_type_uint16),
    INTEGER("u32", uint32_t, false, ffi_type_uint32),
    INTEGER("u64", uint64_t, false, ffi_type_uint64),
    INTEGER("size", size_t, false, ffi_type_uint64),
    OTHER("f32", KIND_REAL, float, ffi_type_float),
    OTHER("f64", KIND_REAL, double, ffi_type_double),
    OTHER("bool", KIND_BOOL, bool, ffi_type_uint8),
    OTHER("cstr", KIND_CSTR, char *, ffi_type_pointer),
    OTHER("ptr", KIND_PTR, void *, ffi_type_pointer),
    { .kind = KIND_VOID, .ffi = &ffi_type_void, .name = "void" },
};

const struct type *type_scalar(const char *name, size_t length) {
    size_t i;
    for (i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        if (strlen(scalars[i].name) == length && memcmp(scalars[i].name, name, length) == 0) return &scalars[i];
    }
    return NULL;
}

bool type_is_integer(const struct type *type) { return type->kind == KIND_INTEGER || type->kind == KIND_ENUM; }

/* libffi knows structs only: an array is one with so many equal fields, which every C ABI lays out and passes in the same way. */
static ffi_type *aggregate(ffi_type **elements, struct arena *arena) {
    ffi_type *view = arena_alloc(arena, sizeof *view);
    if (view == NULL) return NULL;
    view->type = FFI_TYPE_STRUCT;
    view->elements = elements; /* libffi works the size out, and layout_agrees compares */
    return view;
}

int type_finish_struct(struct type *type, struct arena *arena) {
    ffi_type **elements = arena_alloc(arena, (type->field_count + 1) * sizeof *elements);
    size_t i, at = 0;
    type->offsets = arena_alloc(arena, type->field_count * sizeof *type->offsets);
    if (elements == NULL || type->offsets == NULL) return -1;
    type->kind = KIND_STRUCT;
    type->name = "a struct";
    type->alignment = 1;
    for (i = 0; i < type->field_count; i++) {
        const struct type *field = type->fields[i];
        at = (at + field->alignment - 1) / field->alignment * field->alignment;
        type->offsets[i] = at;
        at += field->size;
        if (field->alignment > type->alignment) type->alignment = field->alignment;
        elements[i] = field->ffi;
    }
    type->size = (at + type->alignment - 1) / type->alignment * type->alignment;
    type->ffi = aggregate(elements, arena);
    return type->ffi == NULL ? -1 : 0;
}

struct type *type_array(const struct type *element, size_t count, struct arena *arena) {
    struct type *type = arena_alloc(arena, sizeof *type);
    ffi_type **elements = arena_alloc(arena, (count + 1) * sizeof *elements);
    size_t i;
    if (type == NULL || elements == NULL) return NULL;
    for (i = 0; i < count; i++) elements[i] = element->ffi;
    type->kind = KIND_ARRAY;
    type->name = "an array";
    type->element = element;
    type->count = count;
    type->size = element->size * count;
    type->alignment = element->alignment;
    type->ffi = aggregate(elements, arena);
    return type->ffi == NULL ? NULL : type;
}

size_t type_scalars(const struct type *type) {
    size_t i, total = 0;
    if (type->kind == KIND_ARRAY) return type->count * type_scalars(type->element);
    if (type->kind != KIND_STRUCT) return 1;
    for (i = 0; i < type->field_count; i++) total += type_scalars(type->fields[i]);
    return total;
}

uint64_t integer_read(const struct type *type, const void *at) {
    union { int8_t i8; int16_t i16; int32_t i32; uint8_t u8; uint16_t u16; uint32_t u32; uint64_t u64; } value;
    memcpy(&value, at, type->size);
    switch (type->size) {
    case 1: return type->is_signed ? (uint64_t)(int64_t)value.i8 : value.u8;
    case 2: return type->is_signed ? (uint64_t)(int64_t)value.i16 : value.u16;
    case 4: return type->is_signed ? (uint64_t)(int64_t)value.i32 : value.u32;
    default: return value.u64;
    }
}

long double number_read(const struct type *type, const void *at) {
    float narrow;
    double wide;
    if (type->kind == KIND_REAL && type->size == sizeof narrow) {
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    }
    if (type->kind == KIND_REAL) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    if (type->kind == KIND_BOOL) return *(const unsigned char *)at != 0;
    return type->is_signed ? (long double)(int64_t)integer_read(type, at) : (long double)integer_read(type, at);
}

void integer_write(const struct type *type, uint64_t value, void *at) {
    uint8_t u8 = (uint8_t)value;
    uint16_t u16 = (uint16_t)value;
    uint32_t u32 = (uint32_t)value;
    switch (type->size) {
    case 1: memcpy(at, &u8, 1); break;
    case 2: memcpy(at, &u16, 2); break;
    case 4: memcpy(at, &u32, 4); break;
    default: memcpy(at, &value, 8); break;
    }
}

bool integer_fits(const struct type *type, bool negative, uint64_t magnitude) {
    uint64_t most = type->size == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * type->size)) - 1;
    if (type->is_signed) most /= 2;
    if (!negative) return magnitude <= most;
    return type->is_signed ? magnitude <= most + 1 : magnitude == 0;
}
