#include "signature.h"

#include "registers.h"

#include <string.h>

bool item_takes_argument(const struct item *item) {
    if (item->shape == SHAPE_CALLBACK || item->shape == SHAPE_LENGTH_OF) return false;
    return item->direction != DIRECTION_OUT || item->count_kind == COUNT_GIVEN;
}

bool item_gives_value(const struct item *item) {
    return item->direction == DIRECTION_OUT || item->direction == DIRECTION_INOUT;
}

ffi_type *item_view(const struct item *item) {
    return item->direction == DIRECTION_VALUE && item->shape != SHAPE_CALLBACK ? item->type->ffi : &ffi_type_pointer;
}

bool layout_agrees(const struct type *type) {
    size_t i;
    if (type->kind != KIND_STRUCT && type->kind != KIND_ARRAY) return true;
    if (type->kind == KIND_ARRAY) return type->ffi->size == type->size && layout_agrees(type->element);
    for (i = 0; i < type->field_count; i++) {
        if (!layout_agrees(type->fields[i])) return false;
    }
    return type->ffi->size == type->size && type->ffi->alignment == type->alignment;
}

/* What C does to an argument after "...": these types never arrive there. */
static int check_promotion(struct scanner *s, const struct item *item) {
    const struct type *type = item->type;
    if (item->direction != DIRECTION_VALUE || item->shape == SHAPE_CALLBACK) return 0;
    if (type->kind == KIND_REAL && type->size < sizeof(double)) {
        return scan_fail(s, "after \"...\" C passes a float as a double: write f64 in place of %s", type->name);
    }
    if (type->kind == KIND_BOOL || (type_is_integer(type) && type->size < sizeof(int))) {
        return scan_fail(s, "after \"...\" C passes small integers as int: write i32 or u32 in place of %s", type->name);
    }
    return 0;
}

static bool is_count_before(const struct item *item) {
    return item->shape == SHAPE_ONE && (item->direction == DIRECTION_VALUE || item->direction == DIRECTION_INOUT) &&
           item->type->kind == KIND_INTEGER;
}

static bool is_count_after(const struct item *item) {
    return item->shape == SHAPE_ONE && item->direction != DIRECTION_IN && item->type->kind == KIND_INTEGER;
}

/* Items refer to each other by their place. */
static int check_references(struct scanner *s, const struct signature *signature) {
    const struct item *result = &signature->result;
    size_t i, k;
    for (i = 0; i < signature->count; i++) {
        const struct item *item = &signature->items[i];
        if (item->length_returned && (result->shape != SHAPE_ONE || result->type->kind != KIND_INTEGER)) {
            return scan_fail(s, "\"return\" as a length needs an integer as the result");
        }
        if (item->shape == SHAPE_LENGTH_OF) {
            const struct item *other = item->count < signature->count ? &signature->items[item->count] : NULL;
            if (other == NULL || (other->shape != SHAPE_ARRAY && other->shape != SHAPE_BYTES && other->shape != SHAPE_TEXT)) {
                return scan_fail(s, "len(%zu) does not name an array", item->count);
            }
        } else if (item->count_kind == COUNT_ITEM &&
                   (item->count >= signature->count || !is_count_before(&signature->items[item->count]))) {
            return scan_fail(s, "$%zu does not name an integer that is given", item->count);
        }
        for (k = 0; item->name != NULL && k < i; k++) {
            if (signature->items[k].name != NULL && strcmp(signature->items[k].name, item->name) == 0) {
                return scan_fail(s, "the name \"%s\" is there twice", item->name);
            }
        }
    }
    if (result->count_kind == COUNT_ITEM &&
        (result->count >= signature->count || !is_count_after(&signature->items[result->count]))) {
        return scan_fail(s, "$%zu does not name an integer", result->count);
    }
    return 0;
}

/* The C arguments that libffi passes for an item. */
static void add_types(struct signature *signature, size_t index, struct registers *registers) {
    const struct item *item = &signature->items[index];
    const struct type *pointer = type_scalar("ptr", 3);
    const struct type *passed = item->direction == DIRECTION_VALUE && item->shape != SHAPE_CALLBACK ? item->type : pointer;
    ffi_type **types = &signature->types[signature->c_count];
    signature->halved[index] = registers_take(registers, passed);
    if (signature->halved[index]) {
        types[0] = &ffi_type_uint64;
        types[1] = &ffi_type_double;
        signature->c_count += 2;
        return;
    }
    types[0] = item_view(item);
    signature->c_count++;
    if (item->length_kind == LENGTH_NONE) return;
    types[1] = item->length_kind == LENGTH_VALUE ? item->length->ffi : &ffi_type_pointer;
    signature->c_count++;
    (void)registers_take(registers, pointer);
}

static int prepare(struct scanner *s, struct signature *signature) {
    ffi_type *result = signature->result.shape == SHAPE_ONE ? signature->result.type->ffi : &ffi_type_pointer;
    struct registers registers = { 0, 0 };
    size_t i, fixed = 0;
    ffi_status status;
    signature->types = arena_alloc(s->arena, (2 * signature->count + 1) * sizeof *signature->types);
    signature->halved = arena_alloc(s->arena, (signature->count + 1) * sizeof *signature->halved);
    if (signature->types == NULL || signature->halved == NULL) return problem_memory(s->problem, s->arena);
    if (signature->result.shape == SHAPE_ONE) registers_take_result(&registers, signature->result.type);
    for (i = 0; i < signature->count; i++) {
        if (i == signature->fixed) fixed = signature->c_count;
        add_types(signature, i, &registers);
    }
    if (signature->fixed == signature->count) fixed = signature->c_count;
    if (signature->variadic) {
        status = ffi_prep_cif_var(&signature->cif, FFI_DEFAULT_ABI, (unsigned)fixed, (unsigned)signature->c_count, result,
                                  signature->types);
    } else {
        status = ffi_prep_cif(&signature->cif, FFI_DEFAULT_ABI, (unsigned)signature->c_count, result, signature->types);
    }
    if (status != FFI_OK) return scan_fail(s, "libffi cannot make such a call (status %d)", (int)status);
    for (i = 0; i < signature->count; i++) {
        if (!signature->halved[i] && signature->items[i].direction == DIRECTION_VALUE && !layout_agrees(signature->items[i].type)) {
            return scan_fail(s, "libffi lays a struct out in another way");
        }
    }
    if (signature->result.shape == SHAPE_ONE && !layout_agrees(signature->result.type)) {
        return scan_fail(s, "libffi lays a struct out in another way");
    }
    return 0;
}

static int scan_items(struct scanner *s, struct signature *signature) {
    struct item *items = arena_alloc(s->arena, SIGNATURE_MOST_ITEMS * sizeof *items);
    if (items == NULL) return problem_memory(s->problem, s->arena);
    signature->items = items;
    if (scan_peek(s, ")")) return 0;
    do {
        if (!signature->variadic && scan_mark(s, "...")) {
            if (signature->count == 0) return scan_fail(s, "before \"...\" there is at least one argument");
            signature->variadic = true;
            signature->fixed = signature->count;
            continue;
        }
        if (signature->count == SIGNATURE_MOST_ITEMS) {
            return scan_fail(s, "a function has at most %d arguments here", SIGNATURE_MOST_ITEMS);
        }
        if (scan_item(s, &items[signature->count]) != 0) return -1;
        if (signature->variadic && check_promotion(s, &items[signature->count]) != 0) return -1;
        signature->count++;
    } while (scan_mark(s, ","));
    if (!signature->variadic) signature->fixed = signature->count;
    return 0;
}

int signature_read(struct signature *signature, struct scanner *s) {
    memset(signature, 0, sizeof *signature);
    if ((size_t)(s->end - s->text) > SIGNATURE_MOST_BYTES) {
        return problem_set(s->problem, "native.signature", NULL, "the signature has more than %zu bytes", SIGNATURE_MOST_BYTES);
    }
    if (scan_expect(s, "(") != 0 || scan_items(s, signature) != 0 || scan_expect(s, ")") != 0 || scan_expect(s, "->") != 0 ||
        scan_result(s, &signature->result) != 0) {
        return -1;
    }
    scan_space(s);
    if (s->at != s->end) return scan_fail(s, "nothing more is expected here");
    return check_references(s, signature) == 0 ? prepare(s, signature) : -1;
}
