#include "callback.h"

#include <string.h>

static int compare_reals(const struct type *type, const void *a, const void *b) {
    long double left = number_read(type, a), right = number_read(type, b);
    /* An order has to be total, or qsort does as it likes: NaN comes last. */
    if (__builtin_isnan(left) || __builtin_isnan(right)) return (int)__builtin_isnan(left) - (int)__builtin_isnan(right);
    return (left > right) - (left < right);
}

static int compare_texts(const void *a, const void *b) {
    const char *left, *right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    if (left == NULL || right == NULL) return (left != NULL) - (right != NULL);
    return strcmp(left, right);
}

int compare_values(const struct type *type, const void *a, const void *b) {
    size_t i;
    int order = 0;
    uint64_t left, right;
    switch (type->kind) {
    case KIND_REAL: return compare_reals(type, a, b);
    case KIND_CSTR: return compare_texts(a, b);
    case KIND_STRUCT: /* by the first field that differs */
        for (i = 0; order == 0 && i < type->field_count; i++) {
            order = compare_values(type->fields[i], (const char *)a + type->offsets[i], (const char *)b + type->offsets[i]);
        }
        return order;
    case KIND_ARRAY:
        for (i = 0; order == 0 && i < type->count; i++) {
            order =
                compare_values(type->element, (const char *)a + i * type->element->size, (const char *)b + i * type->element->size);
        }
        return order;
    case KIND_BOOL: return (*(const unsigned char *)a != 0) - (*(const unsigned char *)b != 0);
    case KIND_INTEGER:
    case KIND_ENUM:
        left = integer_read(type, a);
        right = integer_read(type, b);
        if (type->is_signed) return ((int64_t)left > (int64_t)right) - ((int64_t)left < (int64_t)right);
        return (left > right) - (left < right);
    default: return 0; /* nothing can be said of an address */
    }
}
