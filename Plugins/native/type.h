/* A type of C, as signatures write it, with its layout and libffi's view of it. */
#ifndef NATIVE_TYPE_H
#define NATIVE_TYPE_H

#include "problem.h"

#include <ffi.h>

enum kind { KIND_VOID, KIND_BOOL, KIND_INTEGER, KIND_REAL, KIND_ENUM, KIND_CSTR, KIND_PTR, KIND_STRUCT, KIND_ARRAY };

struct enum_value {
    const char *name;
    int64_t value;
};

struct type {
    enum kind kind;
    bool is_signed; /* INTEGER, ENUM */
    bool nullable;  /* CSTR, PTR: NULL may be given */
    size_t size;
    size_t alignment;
    ffi_type *ffi;
    const char *name; /* of a scalar, for messages */
    const char *tag;  /* PTR: what it points to; NULL = anything */

    const struct enum_value *values; /* ENUM */
    size_t value_count;

    const struct type **fields; /* STRUCT */
    const char **names;         /* each may be NULL; the struct is then an array in JSON */
    size_t *offsets;
    size_t field_count;

    const struct type *element; /* ARRAY within a struct */
    size_t count;
};

/* "i8" … "ptr"; NULL if there is none of that name. */
const struct type *type_scalar(const char *name, size_t length);

/* Whether the type's size and pointers are those of an integer that a length can have. */
bool type_is_integer(const struct type *type);

/* Lays a struct out as the C ABI does. -1: memory. */
int type_finish_struct(struct type *type, struct arena *arena);
struct type *type_array(const struct type *element, size_t count, struct arena *arena);

/* Scalars that the type has in all; bounds what a signature can ask of libffi. */
size_t type_scalars(const struct type *type);

/* An integer at `at`, as it is for unsigned ones too (then it may be above INT64_MAX). */
uint64_t integer_read(const struct type *type, const void *at);
void integer_write(const struct type *type, uint64_t value, void *at);
/* The same for every kind of number: INTEGER, ENUM, BOOL, REAL. */
long double number_read(const struct type *type, const void *at);
bool integer_fits(const struct type *type, bool negative, uint64_t magnitude);

#endif
