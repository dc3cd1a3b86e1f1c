/* The JSON Schema of one argument. */
#include "describe_type.h"

static json_t *of_integer(const struct type *type) {
    static const double two63 = 9223372036854775808.0;
    double most = type->size == 8 ? two63 : (double)(UINT64_C(1) << (8 * type->size - (type->is_signed ? 1 : 0))) - 1;
    if (type->size == 8 && type->is_signed) return json_pack("{s:s}", "type", "integer");
    if (type->size == 8) { /* JSON numbers end at 2^63 here; a text goes on */
        return json_pack("{s:[s,s],s:i,s:s}", "type", "integer", "string", "minimum", 0, "pattern",
                         "^(0x[0-9A-Fa-f]{1,16}|[0-9]{1,20})$");
    }
    return json_pack("{s:s,s:I,s:I}", "type", "integer", "minimum", type->is_signed ? (json_int_t)(-most - 1) : (json_int_t)0,
                     "maximum", (json_int_t)most);
}

static json_t *of_enum(const struct type *type) {
    json_t *names = json_array();
    size_t i;
    for (i = 0; i < type->value_count; i++) (void)json_array_append_new(names, json_string(type->values[i].name));
    return json_pack("{s:o}", "enum", names);
}

static json_t *of_struct(const struct type *type) {
    json_t *all = type->names[0] != NULL ? json_object() : json_array();
    json_t *required = json_array();
    size_t i;
    for (i = 0; i < type->field_count; i++) {
        json_t *field = schema_of_type(type->fields[i]);
        if (type->names[0] == NULL) {
            (void)json_array_append_new(all, field);
            continue;
        }
        (void)json_object_set_new(all, type->names[i], field);
        (void)json_array_append_new(required, json_string(type->names[i]));
    }
    if (type->names[0] != NULL) {
        return json_pack("{s:s,s:o,s:o,s:b}", "type", "object", "properties", all, "required", required, "additionalProperties", 0);
    }
    json_decref(required);
    return json_pack("{s:s,s:o,s:i,s:i}", "type", "array", "prefixItems", all, "minItems", (int)type->field_count, "maxItems",
                     (int)type->field_count);
}

json_t *schema_of_type(const struct type *type) {
    switch (type->kind) {
    case KIND_BOOL: return json_pack("{s:s}", "type", "boolean");
    case KIND_INTEGER: return of_integer(type);
    case KIND_REAL: return json_pack("{s:s}", "type", "number");
    case KIND_ENUM: return of_enum(type);
    case KIND_CSTR: return json_pack("{s:s}", "type", "string");
    case KIND_STRUCT: return of_struct(type);
    case KIND_ARRAY:
        return json_pack("{s:s,s:o,s:i,s:i}", "type", "array", "items", schema_of_type(type->element), "minItems", (int)type->count,
                         "maxItems", (int)type->count);
    default: return json_object(); /* a pointer of an earlier call, or null */
    }
}

json_t *schema_of_item(const struct item *item) {
    json_t *schema;
    if (item->count_kind == COUNT_GIVEN) return json_pack("{s:s,s:i}", "type", "integer", "minimum", 1);
    if (item->shape == SHAPE_BYTES || item->shape == SHAPE_TEXT) return json_pack("{s:s}", "type", "string");
    if (item->shape == SHAPE_ONE) return schema_of_type(item->type);
    schema = json_pack("{s:s,s:o}", "type", "array", "items", schema_of_type(item->type));
    if (item->count_kind == COUNT_FIXED) {
        (void)json_object_set_new(schema, "minItems", json_integer((json_int_t)item->count));
        (void)json_object_set_new(schema, "maxItems", json_integer((json_int_t)item->count));
    }
    return schema;
}
