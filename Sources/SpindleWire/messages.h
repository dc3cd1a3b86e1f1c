/* The layout of every message: what encode.c and decode.c walk, so that there is one encoder and one decoder. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "SpindleWire.h"

enum {
    FIELD_U32 = 1,
    FIELD_U64 = 2,
    FIELD_I64 = 3,
    FIELD_BYTES = 4,
    FIELD_KVS = 5,
    FIELD_LIST = 6,
};

typedef struct field {
    uint16_t kind;
    uint16_t offset;
} field;

typedef struct message_layout {
    uint16_t type;
    uint16_t field_count;
    uint32_t size; /* of the struct; 0 = no body */
    const field *fields;
} message_layout;

/* NULL if there is no such type. */
const message_layout *message_layout_of(uint16_t type);
