/* Types by value: scalars, enums and structs. */
#include "scanner.h"

#include <stdio.h>
#include <string.h>

#define MOST_FIELDS 64
#define MOST_VALUES 256
#define MOST_DEPTH 16
#define MOST_SCALARS 4096

static const struct type *no_memory(struct scanner *s) {
    (void)problem_memory(s->problem, s->arena);
    return NULL;
}

static const struct type *refused(int status) {
    (void)status;
    return NULL;
}

static struct type *copy_of(struct scanner *s, const struct type *type) {
    struct type *copy = arena_alloc(s->arena, sizeof *copy);
    if (copy != NULL) *copy = *type;
    else (void)no_memory(s);
    return copy;
}

/* "enum", ["<" integer ">"], "{" NAME ["=" NUMBER] {"," …} "}". */
static const struct type *scan_enum(struct scanner *s) {
    struct enum_value *values = arena_alloc(s->arena, MOST_VALUES * sizeof *values);
    const struct type *base = type_scalar("i32", 3);
    struct type *type;
    int64_t next = 0;
    size_t count = 0, i;
    if (values == NULL) return no_memory(s);
    if (scan_mark(s, "<")) {
        spindle_str name = scan_name(s);
        base = name.len == 0 ? NULL : type_scalar(name.ptr, name.len);
        if (base == NULL || base->kind != KIND_INTEGER) {
            return refused(scan_fail(s, "an enum has an integer type, such as enum<u8>{…}"));
        }
        if (scan_expect(s, ">") != 0) return NULL;
    }
    if (scan_expect(s, "{") != 0) return NULL;
    do {
        spindle_str name = scan_name(s);
        if (name.len == 0) return refused(scan_fail(s, "a value of an enum has a name"));
        if (count == MOST_VALUES) return refused(scan_fail(s, "an enum has at most %d values", MOST_VALUES));
        if (scan_mark(s, "=") && scan_integer(s, &next) != 0) return NULL;
        if (!integer_fits(base, next < 0, next < 0 ? (uint64_t)0 - (uint64_t)next : (uint64_t)next)) {
            return refused(scan_fail(s, "the value %lld does not fit %s", (long long)next, base->name));
        }
        for (i = 0; i < count; i++) {
            if (spindle_str_is(name, values[i].name)) {
                return refused(scan_fail(s, "the name \"%s\" is there twice", values[i].name));
            }
        }
        values[count].name = arena_copy(s->arena, name.ptr, name.len);
        if (values[count].name == NULL) return no_memory(s);
        values[count++].value = next;
        if (next < INT64_MAX) next++;
    } while (scan_mark(s, ","));
    if (scan_expect(s, "}") != 0 || (type = copy_of(s, base)) == NULL) return NULL;
    type->kind = KIND_ENUM;
    type->name = "an enum";
    type->values = values;
    type->value_count = count;
    return type;
}

static int scan_field(struct scanner *s, struct type *type) {
    spindle_str name;
    const struct type *field;
    size_t count, i;
    bool labelled = scan_label(s, &name);
    if (type->field_count == MOST_FIELDS) return scan_fail(s, "a struct has at most %d fields", MOST_FIELDS);
    if (type->field_count > 0 && labelled != (type->names[0] != NULL)) {
        return scan_fail(s, "either all fields of a struct have names, or none");
    }
    field = scan_type(s);
    if (field == NULL) return -1;
    if (field->kind == KIND_VOID) return scan_fail(s, "a field cannot be void");
    if (scan_mark(s, "[")) {
        if (scan_count(s, MOST_SCALARS, &count) != 0 || scan_expect(s, "]") != 0) return -1;
        if (count * type_scalars(field) > MOST_SCALARS) return scan_fail(s, "a struct has at most %d scalars", MOST_SCALARS);
        field = type_array(field, count, s->arena);
        if (field == NULL) return problem_memory(s->problem, s->arena);
    }
    if (labelled) {
        for (i = 0; i < type->field_count; i++) {
            if (spindle_str_is(name, type->names[i])) return scan_fail(s, "the field \"%s\" is there twice", type->names[i]);
        }
        type->names[type->field_count] = arena_copy(s->arena, name.ptr, name.len);
        if (type->names[type->field_count] == NULL) return problem_memory(s->problem, s->arena);
    }
    type->fields[type->field_count++] = field;
    return type_scalars(type) > MOST_SCALARS ? scan_fail(s, "a struct has at most %d scalars", MOST_SCALARS) : 0;
}

static const struct type *scan_struct(struct scanner *s) {
    struct type *type = arena_alloc(s->arena, sizeof *type);
    if (type == NULL) return no_memory(s);
    type->kind = KIND_STRUCT;
    type->fields = arena_alloc(s->arena, MOST_FIELDS * sizeof *type->fields);
    type->names = arena_alloc(s->arena, MOST_FIELDS * sizeof *type->names);
    if (type->fields == NULL || type->names == NULL) return no_memory(s);
    if (++s->depth > MOST_DEPTH) return refused(scan_fail(s, "structs are nested at most %d deep", MOST_DEPTH));
    do {
        if (scan_field(s, type) != 0) return NULL;
    } while (scan_mark(s, ","));
    s->depth--;
    if (scan_expect(s, "}") != 0) return NULL;
    return type_finish_struct(type, s->arena) == 0 ? type : no_memory(s);
}

const struct type *scan_type(struct scanner *s) {
    const char *before;
    const struct type *found;
    struct type *type;
    spindle_str name;
    if (scan_mark(s, "{")) return scan_struct(s);
    if (scan_word(s, "enum")) return scan_enum(s);
    scan_space(s);
    before = s->at;
    name = scan_name(s);
    found = name.len == 0 ? NULL : type_scalar(name.ptr, name.len);
    if (found == NULL) {
        s->at = before;
        return refused(
            scan_fail(s, "a type is missing: i8 to i64, u8 to u64, size, f32, f64, bool, cstr, ptr, void, enum{…} or {…}"));
    }
    if (found->kind != KIND_CSTR && found->kind != KIND_PTR) return found;
    if ((type = copy_of(s, found)) == NULL) return NULL;
    if (type->kind == KIND_PTR && scan_mark(s, "<")) {
        name = scan_name(s);
        if (name.len == 0) return refused(scan_fail(s, "the name of what the pointer leads to is missing"));
        if ((type->tag = arena_copy(s->arena, name.ptr, name.len)) == NULL) return no_memory(s);
        if (scan_expect(s, ">") != 0) return NULL;
    }
    type->nullable = scan_mark(s, "?");
    return type;
}
