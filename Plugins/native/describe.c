#include "describe.h"

#include "describe_type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "Angle of the sun. Unit: rad." */
static void add_texts(json_t *schema, const struct note *note) {
    char text[2048];
    if (note->description == NULL && note->unit == NULL) return;
    (void)snprintf(text, sizeof text, "%.1500s%s%s%.300s%s", note->description == NULL ? "" : note->description,
                   note->description != NULL && note->unit != NULL ? " " : "", note->unit == NULL ? "" : "Unit: ",
                   note->unit == NULL ? "" : note->unit, note->unit == NULL ? "" : ".");
    (void)json_object_set_new(schema, "description", json_string(text));
}

static json_t *schema_of_argument(const struct function *function, size_t index) {
    const struct note *note = &function->notes[index];
    json_t *schema = schema_of_item(&function->signature.items[index]);
    add_texts(schema, note);
    if (note->least != NULL) (void)json_object_set(schema, "minimum", (json_t *)note->least);
    if (note->most != NULL) (void)json_object_set(schema, "maximum", (json_t *)note->most);
    if (note->fallback != NULL) (void)json_object_set(schema, "default", (json_t *)note->fallback);
    return schema;
}

static json_t *named_arguments(const struct function *function) {
    json_t *properties = json_object();
    size_t i;
    for (i = 0; i < function->signature.count; i++) {
        const struct item *item = &function->signature.items[i];
        if (item->name == NULL || !item_takes_argument(item)) continue;
        (void)json_object_set_new(properties, item->name, schema_of_argument(function, i));
    }
    return properties;
}

static json_t *needed(const struct function *function) {
    json_t *names = json_array();
    size_t i;
    for (i = 0; i < function->signature.count; i++) {
        const struct item *item = &function->signature.items[i];
        /* A payload may be the bytes or the text. */
        bool from_payload = item->shape == SHAPE_BYTES || item->type->kind == KIND_CSTR;
        if (item->name == NULL || !item_takes_argument(item) || from_payload || function->notes[i].fallback != NULL) continue;
        (void)json_array_append_new(names, json_string(item->name));
    }
    return names;
}

/* All names that are needed, or none of them: then `args` or the payload has the arguments. */
static void add_needed(json_t *schema, const struct function *function) {
    json_t *names = needed(function), *none = json_array(), *name;
    size_t i;
    json_array_foreach(names, i, name) (void)json_array_append_new(none, json_pack("{s:[O]}", "required", name));
    if (json_array_size(names) > 0) {
        (void)json_object_set_new(schema, "anyOf", json_pack("[{s:O},{s:{s:O}}]", "required", names, "not", "anyOf", none));
    }
    json_decref(names);
    json_decref(none);
}

/* Names of several functions together; a name that they use for different things is read as a text. */
static void merge(json_t *properties, json_t *more) {
    const char *name;
    json_t *schema, *there;
    json_object_foreach(more, name, schema) {
        there = json_object_get(properties, name);
        if (there == NULL) {
            (void)json_object_set(properties, name, schema);
        } else if (!json_equal(there, schema)) {
            (void)json_object_set_new(properties, name, json_object());
        }
    }
}

char *describe_parameters(const struct config *config) {
    json_t *schema = json_loads(parameters_schema, 0, NULL), *definitions = json_object();
    json_t *properties = json_object_get(schema, "properties");
    const struct function *function;
    char *text;
    for (function = config->functions; function != NULL; function = function->next) {
        json_t *own = named_arguments(function), *definition = json_pack("{s:s,s:O}", "type", "object", "properties", own);
        if (function->description != NULL) (void)json_object_set_new(definition, "description", json_string(function->description));
        add_needed(definition, function);
        merge(properties, own);
        (void)json_object_set_new(definitions, function->name, definition);
        json_decref(own);
    }
    if (config->function_count > 0) (void)json_object_set(schema, "$defs", definitions);
    if (config->function_count == 1 && config->allowed == NULL) add_needed(schema, config->functions);
    /* The names of what a job writes out are known to the job alone. */
    if (config->allowed == NULL && config->functions != NULL) {
        (void)json_object_set_new(schema, "additionalProperties", json_false());
    }
    text = json_dumps(schema, JSON_COMPACT);
    json_decref(definitions);
    json_decref(schema);
    return text;
}

char *describe_output(const struct config *config) {
    json_t *schema = json_loads(output_schema, 0, NULL), *result;
    const struct function *function = config->functions;
    char *text;
    if (config->function_count == 1 && config->allowed == NULL) {
        result = json_object_get(json_object_get(schema, "properties"), "result");
        if (result == NULL) (void)json_object_set_new(json_object_get(schema, "properties"), "result", result = json_object());
        add_texts(result, &function->result);
    }
    text = json_dumps(schema, JSON_COMPACT);
    json_decref(schema);
    return text;
}

/* "Functions: area (…), volume (…)." */
static void list_functions(const struct config *config, char *text, size_t size) {
    const struct function *function;
    size_t at = 0;
    for (function = config->functions; function != NULL && at + 1 < size; function = function->next) {
        int length =
            snprintf(text + at, size - at, "%s%.128s%s%.200s", at == 0 ? "Functions: " : "; ", function->name,
                     function->description == NULL ? "" : ": ", function->description == NULL ? "" : function->description);
        if (length < 0) break;
        at += (size_t)length;
    }
}

spindle_status describe(const spindle_instance_config *given, const spindle_describe_sink *sink) {
    struct config config;
    struct problem problem = { 0 };
    spindle_executor_descriptor descriptor;
    spindle_status status = SPINDLE_E_INTERNAL;
    char *parameters = NULL, *output = NULL, text[4096] = "";
    if (config_read(&config, given->config, &problem) != 0) {
        status = spindle_config_error(given, problem.code, problem.message, problem.pointer);
    } else {
        parameters = describe_parameters(&config);
        output = describe_output(&config);
        list_functions(&config, text, sizeof text);
        memset(&descriptor, 0, sizeof descriptor);
        descriptor.struct_size = (uint32_t)sizeof descriptor;
        descriptor.parameters_schema = parameters;
        descriptor.output_schema = output;
        descriptor.description = text[0] == 0 ? NULL : text;
        if (parameters != NULL && output != NULL) status = sink->put(sink->sink, &descriptor);
    }
    free(parameters);
    free(output);
    config_free(&config);
    return status;
}
