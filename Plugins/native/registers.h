/* Where x86-64 passes structs; libffi (3.4.4, for instance) gets one case wrong. */
#ifndef NATIVE_REGISTERS_H
#define NATIVE_REGISTERS_H

#include "type.h"

struct registers {
    size_t integers; /* of 6 */
    size_t reals;    /* of 8 */
};

/* Takes the registers of the next argument. True: it is a struct that has to be given to libffi as its two halves, an integer and a
 * double, which go into the same registers. */
bool registers_take(struct registers *registers, const struct type *type);

/* The result comes by a hidden pointer. */
void registers_take_result(struct registers *registers, const struct type *type);

#endif
