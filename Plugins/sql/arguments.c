#include "arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CODE "sql.parameter"

struct reading {
    struct arguments *arguments;
    const struct config *config;
    const struct operation *operation;
    const spindle_request *request;
    struct problem *problem;
    bool given[1001];
};

static int parameter_find(const struct operation *operation, spindle_str name) {
    size_t i;
    for (i = 0; i < operation->parameter_count; i++) {
        if (str_is_nocase(name, operation->parameters[i].name)) return (int)i;
    }
    return -1;
}

/* The place of a value, or NULL: there is no such parameter, or it was given before. */
static struct value *take(struct reading *r, spindle_str name, const char *pointer, int *index) {
    *index = parameter_find(r->operation, name);
    if (*index < 0) {
        (void)problem_set(r->problem, CODE, pointer, "\"%s\" has no parameter \"%.*s\"", r->operation->name, shown(name.len), name.ptr);
        return NULL;
    }
    if (r->operation->parameters[*index].direction == DIRECTION_OUT) {
        (void)problem_set(r->problem, CODE, pointer, "the parameter \"%s\" of \"%s\" only comes out; leave it away",
                          r->operation->parameters[*index].name, r->operation->name);
        return NULL;
    }
    if (r->given[*index]) {
        (void)problem_set(r->problem, CODE, pointer, "the parameter \"%s\" of \"%s\" is given twice",
                          r->operation->parameters[*index].name, r->operation->name);
        return NULL;
    }
    r->given[*index] = true;
    return &r->arguments->values[*index];
}

static bool refuse(struct reading *r, int index, const char *pointer, const char *why) {
    return problem_set(r->problem, CODE, pointer, "the parameter \"%s\" of \"%s\" must be %s", r->operation->parameters[index].name,
                       r->operation->name, why);
}

/* A job must not read back what the plugin itself logs in with. */
static bool is_password(const struct config *config, spindle_str name) {
    size_t i, before;
    for (i = 0; i < config->connection_count; i++) {
        const char *given = json_string_value(json_object_get(config->connections[i].json, "password"));
        spindle_str password;
        if (given != NULL && spindle_secret_name(spindle_str_from_cstr(given), &password, &before) &&
            spindle_str_equal(name, password)) {
            return true;
        }
    }
    return false;
}

/* A value that refers to a secret becomes what stands before the reference and the secret. */
static bool resolve(struct reading *r, spindle_str given, struct text *text, const char *pointer) {
    spindle_str name, found = { NULL, 0 };
    size_t before;
    if (!spindle_secret_name(given, &name, &before)) {
        text_add(text, given.ptr, given.len);
        return true;
    }
    if (is_password(r->config, name)) {
        return problem_set(r->problem, "sql.secret", pointer, "the secret \"%.*s\" is the password of a connection, which no value may refer to",
                           shown(name.len), name.ptr);
    }
    if (!SPINDLE_OFFERS(r->request->host, secret_get) ||
        r->request->host->secret_get(r->request->ctx, r->request->handle, name, &found) != SPINDLE_OK) {
        return problem_set(r->problem, "sql.secret", pointer, "there is no secret \"%.*s\" for this job", shown(name.len), name.ptr);
    }
    text_add(text, given.ptr, before);
    text_add(text, found.ptr, found.len);
    return true;
}

static bool from_text(struct reading *r, struct value *value, int index, spindle_str text, const char *pointer) {
    struct text resolved = { 0 };
    const char *why = "";
    bool good = resolve(r, text, &resolved, pointer);
    if (good && resolved.lost) good = problem_memory(r->problem);
    if (good && !value_from_text(value, r->operation->parameters[index].type,
                                 spindle_str_make(resolved.length > 0 ? resolved.data : "", resolved.length), &why)) {
        good = refuse(r, index, pointer, why);
    }
    text_wipe(&resolved);
    return good;
}

static bool from_json(struct reading *r, struct value *value, int index, const json_t *json, const char *pointer) {
    const char *why = "";
    return value_from_json(value, r->operation->parameters[index].type, json, &why) || refuse(r, index, pointer, why);
}

/* The operator's, whose references the host has granted. Those in a job's JSON it has not, so there they are text. */
static bool from_default(struct reading *r, struct value *value, int index, const json_t *json) {
    if (!json_is_string(json)) return from_json(r, value, index, json, "");
    return from_text(r, value, index, spindle_str_make(json_string_value(json), json_string_length(json)), "");
}

static bool read_object(struct reading *r, json_t *json, const char *base) {
    char pointer[SPINDLE_MAX_NAME_BYTES];
    const char *name;
    struct value *value;
    json_t *member;
    int index;
    json_object_foreach(json, name, member) {
        (void)snprintf(pointer, sizeof pointer, "%s/%.100s", base, name);
        value = take(r, spindle_str_from_cstr(name), pointer, &index);
        if (value == NULL || !from_json(r, value, index, member, pointer)) return false;
    }
    return true;
}

/* In the order of the parameters that go in. */
static bool read_array(struct reading *r, const json_t *json, const char *base) {
    char pointer[SPINDLE_MAX_NAME_BYTES];
    size_t i, at = 0;
    for (i = 0; i < r->operation->parameter_count && at < json_array_size(json); i++) {
        if (r->operation->parameters[i].direction == DIRECTION_OUT) continue;
        (void)snprintf(pointer, sizeof pointer, "%s/%zu", base, at);
        r->given[i] = true;
        if (!from_json(r, &r->arguments->values[i], (int)i, json_array_get(json, at++), pointer)) return false;
    }
    return at == json_array_size(json) ||
           problem_set(r->problem, CODE, base, "\"%s\" takes %zu parameters, not %zu", r->operation->name, at, json_array_size(json));
}

static bool read_document(struct reading *r, spindle_str text, const char *base) {
    json_error_t error;
    json_t *json = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    bool good;
    if (json == NULL) {
        return problem_set(r->problem, CODE, base, "%s is not JSON: %s (line %d, column %d)", *base == 0 ? "the payload" : "Params",
                           error.text, error.line, error.column);
    }
    if (json_is_array(json)) good = read_array(r, json, base);
    else if (json_is_object(json)) good = read_object(r, json, base);
    else good = problem_set(r->problem, CODE, base, "%s must be a JSON object or array", *base == 0 ? "the payload" : "Params");
    json_decref(json);
    return good;
}

static bool read_named(struct reading *r, const spindle_kv *given) {
    char pointer[SPINDLE_MAX_NAME_BYTES];
    struct value *value;
    int index;
    if (given->key.len < 6 || strncasecmp(given->key.ptr, "Param_", 6) != 0) return true;
    (void)snprintf(pointer, sizeof pointer, "/%.*s", shown(given->key.len), given->key.ptr);
    value = take(r, spindle_str_make(given->key.ptr + 6, given->key.len - 6), pointer, &index);
    return value != NULL && from_text(r, value, index, given->value, pointer);
}

static bool complete(struct reading *r) {
    size_t i;
    for (i = 0; i < r->operation->parameter_count; i++) {
        const struct parameter *p = &r->operation->parameters[i];
        if (r->given[i]) continue;
        if (p->required && p->direction != DIRECTION_OUT) {
            return problem_set(r->problem, CODE, NULL, "\"%s\" needs the parameter \"%s\"", r->operation->name, p->name);
        }
        r->arguments->values[i].null = p->fallback == NULL;
        if (p->fallback != NULL && !from_default(r, &r->arguments->values[i], (int)i, p->fallback)) return false;
    }
    for (i = 0; i < r->arguments->count; i++) {
        if (r->arguments->values[i].bytes.lost) return problem_memory(r->problem);
    }
    return true;
}

bool arguments_read(struct arguments *arguments, const struct config *config, const struct operation *operation,
                    const spindle_request *request, struct problem *problem) {
    struct reading r = { .arguments = arguments, .config = config, .operation = operation, .request = request, .problem = problem };
    bool document = false;
    size_t i;
    memset(arguments, 0, sizeof *arguments);
    arguments->values = calloc(operation->parameter_count + 1, sizeof *arguments->values);
    if (arguments->values == NULL) return problem_memory(problem);
    arguments->count = operation->parameter_count;
    for (i = 0; i < request->parameter_count; i++) {
        if (!str_is_nocase(request->parameters[i].key, "Params")) continue;
        if (document) return problem_set(problem, CODE, "/Params", "Params is given twice");
        document = true;
        if (!read_document(&r, request->parameters[i].value, "/Params")) return false;
    }
    if (document && request->payload.len > 0) {
        return problem_set(problem, CODE, "/Params", "give Params or a payload, not both");
    }
    if (request->payload.len > 0 && !read_document(&r, request->payload, "")) return false;
    for (i = 0; i < request->parameter_count; i++) {
        if (!read_named(&r, &request->parameters[i])) return false;
    }
    return complete(&r);
}

void arguments_free(struct arguments *arguments) {
    size_t i;
    for (i = 0; i < arguments->count; i++) text_wipe(&arguments->values[i].bytes);
    free(arguments->values);
    memset(arguments, 0, sizeof *arguments);
}
