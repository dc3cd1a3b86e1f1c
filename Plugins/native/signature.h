/* What a function takes and gives, as a signature in text says it. */
#ifndef NATIVE_SIGNATURE_H
#define NATIVE_SIGNATURE_H

#include "scanner.h"

enum direction {
    DIRECTION_VALUE, /* passed itself */
    DIRECTION_IN,    /* a pointer to something that the function reads */
    DIRECTION_OUT,   /* a pointer to something that it writes */
    DIRECTION_INOUT,
};

enum shape {
    SHAPE_ONE,
    SHAPE_ARRAY,
    SHAPE_BYTES,     /* an array of u8, written as text or base 64 */
    SHAPE_TEXT,      /* a buffer that the function fills with text and NUL */
    SHAPE_LENGTH_OF, /* the number of elements of another item; not an argument of the job */
    SHAPE_CALLBACK,
};

enum count_kind {
    COUNT_FREE,  /* as many as the job gives */
    COUNT_FIXED, /* [N] */
    COUNT_GIVEN, /* [*]: the argument of the job says how many */
    COUNT_ITEM,  /* [$K]: the value of item K */
};

enum length_kind {
    LENGTH_NONE,
    LENGTH_VALUE, /* the number of elements follows as a number */
    LENGTH_INOUT, /* a pointer to it follows: room before the call, how many there are after it */
    LENGTH_OUT,   /* a pointer follows that is only written */
};

enum callback_kind { CALLBACK_PROGRESS, CALLBACK_LOG, CALLBACK_COLLECT, CALLBACK_COMPARE, CALLBACK_DESCENDING };

struct item;

struct callback_type {
    enum callback_kind kind;
    const struct item *arguments;
    size_t count;
    const struct type *element; /* COMPARE, DESCENDING */
    const struct type *result;
    int64_t go, stop;           /* what `progress` returns */
    ffi_type **types;
    ffi_cif *cif;
};

/* An argument or the result: one value of the C function, or two where a length follows. */
struct item {
    const char *name; /* may be NULL */
    enum direction direction;
    enum shape shape;
    const struct type *type;
    enum count_kind count_kind;
    size_t count;             /* FIXED: so many; ITEM and SHAPE_LENGTH_OF: the other item */
    enum length_kind length_kind;
    const struct type *length;
    bool length_returned;     /* the function's result says how many elements there are */
    bool nullable;
    const char *free;         /* the function that frees what the item leads to */
    const struct callback_type *callback;
};

struct signature {
    const struct item *items;
    size_t count;
    size_t fixed; /* items before "..." */
    bool variadic;
    struct item result;
    bool *halved;     /* for each item: libffi gets its two halves, see registers.h */
    ffi_type **types; /* of the C arguments */
    size_t c_count;
    ffi_cif cif;
};

#define SIGNATURE_MOST_ITEMS 64
#define SIGNATURE_MOST_BYTES ((size_t)16384)
#define SIGNATURE_MOST_ELEMENTS ((size_t)1 << 30)

/* Reads "(…)->…" to the end of the scanner's text. -1: refused. */
int signature_read(struct signature *signature, struct scanner *s);

/* scan_item.c, scan_callback.c */
int scan_item(struct scanner *s, struct item *item);
int scan_result(struct scanner *s, struct item *item);
int scan_callback(struct scanner *s, struct item *item);

/* Does the job give an argument for it? */
bool item_takes_argument(const struct item *item);
/* Is there a value of it in "out"? */
bool item_gives_value(const struct item *item);
/* Libffi's view of what is passed (without the length). */
ffi_type *item_view(const struct item *item);
/* Does libffi see every struct as this plugin laid it out? */
bool layout_agrees(const struct type *type);

#endif
