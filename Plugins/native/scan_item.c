/* One argument of a signature, and the result. */
#include "signature.h"

#include <string.h>

/* "[" [ N | "*" | "$" K ] "]" */
static int scan_bounds(struct scanner *s, struct item *item) {
    int64_t index;
    if (scan_mark(s, "]")) {
        item->count_kind = COUNT_FREE;
        return 0;
    }
    if (scan_mark(s, "*")) {
        item->count_kind = COUNT_GIVEN;
    } else if (scan_mark(s, "$")) {
        if (scan_integer(s, &index) != 0) return -1;
        if (index < 0 || index >= SIGNATURE_MOST_ITEMS) return scan_fail(s, "there is no such argument; they count from $0");
        item->count_kind = COUNT_ITEM;
        item->count = (size_t)index;
    } else {
        item->count_kind = COUNT_FIXED;
        if (scan_count(s, SIGNATURE_MOST_ELEMENTS, &item->count) != 0) return -1;
    }
    return scan_expect(s, "]");
}

/* "<" ( [ "inout" | "out" ] integer [ "," "return" ] | "return" ) ">" */
static int scan_length(struct scanner *s, struct item *item) {
    spindle_str name;
    bool outwards = item->direction == DIRECTION_OUT || item->direction == DIRECTION_INOUT;
    if (scan_word(s, "return")) {
        item->length_returned = true;
    } else {
        item->length_kind = scan_word(s, "inout") ? LENGTH_INOUT : scan_word(s, "out") ? LENGTH_OUT : LENGTH_VALUE;
        name = scan_name(s);
        item->length = name.len == 0 ? NULL : type_scalar(name.ptr, name.len);
        if (item->length == NULL || item->length->kind != KIND_INTEGER) {
            return scan_fail(s, "a length is an integer, such as <size> or <inout u64>");
        }
        if (scan_mark(s, ",")) {
            if (!scan_word(s, "return")) return scan_fail(s, "\"return\" is missing");
            item->length_returned = true;
        }
    }
    if (!outwards && (item->length_returned || item->length_kind != LENGTH_VALUE)) {
        return scan_fail(s, "only a length by value goes with what the function reads");
    }
    if (item->length_returned && (item->length_kind == LENGTH_INOUT || item->length_kind == LENGTH_OUT)) {
        return scan_fail(s, "the length comes back either by a pointer or by the result");
    }
    return scan_expect(s, ">");
}

static int scan_free(struct scanner *s, struct item *item) {
    spindle_str name;
    if (!scan_word(s, "free")) return 0;
    if (scan_expect(s, "(") != 0) return -1;
    name = scan_name(s);
    if (name.len == 0) return scan_fail(s, "the name of the function that frees it is missing");
    item->free = arena_copy(s->arena, name.ptr, name.len);
    if (item->free == NULL) return problem_memory(s->problem, s->arena);
    return scan_expect(s, ")");
}

/* INTEGER "=" "len" "(" K ")" */
static int scan_length_of(struct scanner *s, struct item *item) {
    int64_t index;
    if (item->direction != DIRECTION_VALUE || item->type->kind != KIND_INTEGER) {
        return scan_fail(s, "a length is an integer by value");
    }
    if (!scan_word(s, "len") || scan_expect(s, "(") != 0) return scan_fail(s, "\"len(K)\" is missing");
    if (scan_integer(s, &index) != 0) return -1;
    if (index < 0 || index >= SIGNATURE_MOST_ITEMS) return scan_fail(s, "there is no such argument; they count from 0");
    item->shape = SHAPE_LENGTH_OF;
    item->count = (size_t)index;
    return scan_expect(s, ")");
}

static int scan_bytes(struct scanner *s, struct item *item, bool with_length) {
    item->shape = SHAPE_BYTES;
    item->type = type_scalar("u8", 2);
    if (item->direction == DIRECTION_VALUE) item->direction = DIRECTION_IN;
    if (scan_mark(s, "[") && scan_bounds(s, item) != 0) return -1;
    if (scan_mark(s, "<")) {
        if (scan_length(s, item) != 0) return -1;
    } else if (with_length && item->direction != DIRECTION_OUT && item->count_kind == COUNT_FREE) {
        item->length_kind = LENGTH_VALUE;
        item->length = type_scalar("size", 4);
    }
    item->nullable = item->direction == DIRECTION_IN && scan_mark(s, "?");
    return 0;
}

static int scan_typed(struct scanner *s, struct item *item) {
    item->type = scan_type(s);
    if (item->type == NULL) return -1;
    if (item->type->kind == KIND_VOID) return scan_fail(s, "an argument cannot be void; write () for none");
    if (scan_mark(s, "[")) {
        item->shape = item->direction == DIRECTION_OUT && item->type->kind == KIND_CSTR ? SHAPE_TEXT : SHAPE_ARRAY;
        if (item->direction == DIRECTION_VALUE) item->direction = DIRECTION_IN;
        if (scan_bounds(s, item) != 0) return -1;
        if (item->shape == SHAPE_TEXT) item->type = type_scalar("u8", 2);
        if (scan_mark(s, "<") && scan_length(s, item) != 0) return -1;
        item->nullable = item->direction == DIRECTION_IN && scan_mark(s, "?");
    } else if (scan_mark(s, "=")) {
        return scan_length_of(s, item);
    }
    if (item->type->kind == KIND_CSTR && item->direction == DIRECTION_OUT) return scan_free(s, item);
    return 0;
}

int scan_item(struct scanner *s, struct item *item) {
    spindle_str name;
    memset(item, 0, sizeof *item);
    if (scan_label(s, &name)) {
        item->name = arena_copy(s->arena, name.ptr, name.len);
        if (item->name == NULL) return problem_memory(s->problem, s->arena);
    }
    if (scan_word(s, "callback")) return scan_callback(s, item);
    item->direction = scan_word(s, "inout") ? DIRECTION_INOUT
                      : scan_word(s, "out") ? DIRECTION_OUT
                      : scan_word(s, "in") ? DIRECTION_IN : DIRECTION_VALUE;
    if (scan_word(s, "bytes")) {
        if (scan_bytes(s, item, true) != 0) return -1;
    } else if (scan_word(s, "data")) {
        if (scan_bytes(s, item, false) != 0) return -1;
    } else if (scan_typed(s, item) != 0) {
        return -1;
    }
    if (item->direction == DIRECTION_OUT && item->shape != SHAPE_ONE && item->count_kind == COUNT_FREE) {
        return scan_fail(s, "what the function writes needs a size: [N], [*] for one that the job gives, or [$K]");
    }
    if (item->direction != DIRECTION_OUT && item->count_kind == COUNT_GIVEN) {
        return scan_fail(s, "[*] is for \"out\" only; what the function reads is as long as what the job gives");
    }
    return 0;
}

int scan_result(struct scanner *s, struct item *item) {
    memset(item, 0, sizeof *item);
    if (scan_word(s, "bytes")) {
        item->shape = SHAPE_BYTES;
        item->type = type_scalar("u8", 2);
        if (scan_expect(s, "[") != 0 || scan_bounds(s, item) != 0) return -1;
    } else {
        item->type = scan_type(s);
        if (item->type == NULL) return -1;
        if (scan_mark(s, "[")) {
            if (item->type->kind == KIND_VOID) return scan_fail(s, "there is no array of void");
            item->shape = SHAPE_ARRAY;
            if (scan_bounds(s, item) != 0) return -1;
        }
    }
    if (item->shape != SHAPE_ONE) {
        item->direction = DIRECTION_OUT;
        if (item->count_kind != COUNT_FIXED && item->count_kind != COUNT_ITEM) {
            return scan_fail(s, "an array that is returned needs a size: [N] or [$K]");
        }
    }
    if (item->shape != SHAPE_ONE || item->type->kind == KIND_CSTR) return scan_free(s, item);
    return 0;
}
