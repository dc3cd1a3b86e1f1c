/* A struct whose first half is of integers and whose second is of reals goes into one register of each kind. If that is the last one for
 * integers, libffi copies 16 bytes where 8 belong, and so over the first real argument (its issue 574). Given as an integer and a
 * double it lands where it should. */
#include "registers.h"

#if defined(__x86_64__)

#define INTEGERS 6
#define REALS 8

/* Marks the halves that have an integer in them. */
static void mark(const struct type *type, size_t at, bool integer[2]) {
    size_t i;
    if (type->kind == KIND_STRUCT) {
        for (i = 0; i < type->field_count; i++) mark(type->fields[i], at + type->offsets[i], integer);
    } else if (type->kind == KIND_ARRAY) {
        for (i = 0; i < type->count; i++) mark(type->element, at + i * type->element->size, integer);
    } else if (type->kind != KIND_REAL) {
        integer[at / 8] = true;
    }
}

bool registers_take(struct registers *registers, const struct type *type) {
    bool integer[2] = { false, false }, split;
    size_t halves = type->size > 8 ? 2 : 1, integers, reals;
    if (type->size > 16) return false; /* in memory */
    mark(type, 0, integer);
    integers = (size_t)integer[0] + (halves == 2 ? (size_t)integer[1] : 0);
    reals = halves - integers;
    if (registers->integers + integers > INTEGERS || registers->reals + reals > REALS) return false; /* in memory, as a whole */
    split = halves == 2 && integer[0] && !integer[1] && registers->integers == INTEGERS - 1;
    registers->integers += integers;
    registers->reals += reals;
    return split;
}

void registers_take_result(struct registers *registers, const struct type *type) {
    if (type->size > 16) registers->integers++;
}

#else

bool registers_take(struct registers *registers, const struct type *type) {
    (void)registers;
    (void)type;
    return false;
}

void registers_take_result(struct registers *registers, const struct type *type) {
    (void)registers;
    (void)type;
}

#endif
