/* The section `statements` and the section `procedures` of the configuration. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "placeholders.h"

#define CODE "sql.config"

static const char *const direction_names[DIRECTION_COUNT] = { "in", "out", "inout" };
const char *const format_names[FORMAT_COUNT] = { "json", "csv", "none" };

struct reading {
    struct operation *operation;
    const char *pointer;
    struct problem *problem;
};

/* Which of `names` a member has; `number` is left as it is when it is missing. */
static bool read_choice(const struct reading *r, const json_t *object, const char *key, const char *const *names, int count,
                        int *number) {
    const json_t *value = json_object_get(object, key);
    struct text list = { 0 };
    int found, i;
    if (value == NULL) return true;
    found = json_is_string(value) ? name_find(json_string_value(value), names, count) : -1;
    if (found >= 0) {
        *number = found;
        return true;
    }
    for (i = 0; i < count; i++) text_format(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
    (void)problem_set(r->problem, CODE, r->pointer, "\"%s\" of \"%s\" must be one of %s", key, r->operation->name,
                      list.data == NULL ? "" : list.data);
    text_free(&list);
    return false;
}

static bool read_parameter(const struct reading *r, struct parameter *p, const json_t *json) {
    int type = TYPE_TEXT, direction = DIRECTION_IN;
    int64_t max_bytes = 4096;
    size_t i;
    p->name = json_string_value(json_object_get(json, "name"));
    if (p->name == NULL || !identifier_is_valid(p->name) || strchr(p->name, '.') != NULL) {
        return problem_set(r->problem, CODE, r->pointer, "each parameter of \"%s\" must have a \"name\" of letters, digits and _",
                           r->operation->name);
    }
    for (i = 0; &r->operation->parameters[i] != p; i++) {
        if (str_is_nocase(spindle_str_from_cstr(p->name), r->operation->parameters[i].name)) {
            return problem_set(r->problem, CODE, r->pointer, "\"%s\" has the parameter \"%s\" twice", r->operation->name, p->name);
        }
    }
    if (!read_choice(r, json, "type", type_names, TYPE_COUNT, &type) ||
        !read_choice(r, json, "direction", direction_names, DIRECTION_COUNT, &direction) ||
        !config_integer(json, "maxBytes", 1, 65536, &max_bytes, r->pointer, r->problem)) {
        return false;
    }
    p->type = (enum value_type)type;
    p->direction = (enum direction)direction;
    p->max_bytes = (size_t)max_bytes;
    p->fallback = json_object_get(json, "default");
    p->required = p->fallback == NULL && !json_is_false(json_object_get(json, "required"));
    if (direction == DIRECTION_OUT && p->fallback != NULL) {
        return problem_set(r->problem, CODE, r->pointer, "the parameter \"%s\" of \"%s\" only comes out and cannot have a \"default\"",
                           p->name, r->operation->name);
    }
    if (direction == DIRECTION_INOUT && type == TYPE_BINARY) {
        return problem_set(r->problem, CODE, r->pointer, "the parameter \"%s\" of \"%s\" cannot be binary and inout", p->name,
                           r->operation->name);
    }
    if (direction != DIRECTION_IN && r->operation->kind == OPERATION_STATEMENT) {
        return problem_set(r->problem, CODE, r->pointer, "parameters of a statement only go in; \"%s\" of \"%s\" needs an entry "
                                                         "under \"procedures\"", p->name, r->operation->name);
    }
    return true;
}

static bool read_parameters(const struct reading *r, const json_t *json) {
    const json_t *given = json_object_get(json, "parameters");
    struct operation *o = r->operation;
    size_t count = json_array_size(given), i;
    if (given != NULL && (!json_is_array(given) || count > MAX_MARKERS)) {
        return problem_set(r->problem, CODE, r->pointer, "\"parameters\" of \"%s\" must be an array of at most 1,000", o->name);
    }
    o->parameters = calloc(count + 1, sizeof *o->parameters);
    if (o->parameters == NULL) return problem_memory(r->problem);
    for (i = 0; i < count; i++) {
        if (!read_parameter(r, &o->parameters[i], json_array_get(given, i))) return false;
        o->parameter_count++;
    }
    return true;
}

static bool place_markers(const struct reading *r, const struct marker *markers) {
    struct operation *o = r->operation;
    bool used[MAX_MARKERS] = { false };
    size_t i, j;
    for (i = 0; i < o->marker_count; i++) {
        for (j = 0; j < o->parameter_count; j++) {
            if (markers[i].name == NULL ? i == j
                                        : str_is_nocase(spindle_str_make(markers[i].name, markers[i].length), o->parameters[j].name)) {
                break;
            }
        }
        if (j == o->parameter_count) {
            return markers[i].name == NULL
                       ? problem_set(r->problem, CODE, r->pointer, "\"%s\" has %zu places for parameters (?) and %zu parameters",
                                     o->name, o->marker_count, o->parameter_count)
                       : problem_set(r->problem, CODE, r->pointer, "\"%s\" uses :%.*s, which is not among its parameters", o->name,
                                     shown(markers[i].length), markers[i].name);
        }
        o->markers[i] = j;
        used[j] = true;
    }
    for (j = 0; j < o->parameter_count; j++) {
        if (!used[j]) {
            return problem_set(r->problem, CODE, r->pointer, "\"%s\" does not use its parameter \"%s\"", o->name, o->parameters[j].name);
        }
    }
    return true;
}

/* May err to the one side: then rows are kept in memory, which else come by a cursor. */
static bool changes_by_with(const char *sql) {
    return strncasecmp(sql + strspn(sql, " \t\r\n("), "WITH", 4) == 0 &&
           (strcasestr(sql, "INSERT") != NULL || strcasestr(sql, "UPDATE") != NULL || strcasestr(sql, "DELETE") != NULL ||
            strcasestr(sql, "MERGE") != NULL);
}

static bool read_statement(const struct reading *r, const json_t *json) {
    const char *text = json_string_value(json_object_get(json, "sql")), *why = NULL;
    struct operation *o = r->operation;
    struct marker *markers;
    struct text sql = { 0 };
    bool good;
    if (text == NULL || *text == 0) return problem_set(r->problem, CODE, r->pointer, "\"%s\" must have \"sql\"", o->name);
    markers = calloc(MAX_MARKERS, sizeof *markers);
    o->markers = calloc(MAX_MARKERS, sizeof *o->markers);
    if (markers == NULL || o->markers == NULL) {
        free(markers);
        return problem_memory(r->problem);
    }
    good = placeholders_read(text, &sql, markers, &o->marker_count, &why);
    o->sql = sql.data;
    if (!good) (void)problem_set(r->problem, CODE, r->pointer, "the statement \"%s\" %s", o->name, why);
    else if (sql.lost) good = problem_memory(r->problem);
    else good = place_markers(r, markers);
    o->changes_by_with = good && changes_by_with(o->sql);
    free(markers);
    return good;
}

static bool read_routine(const struct reading *r, const json_t *json) {
    struct operation *o = r->operation;
    int returns = -1;
    o->routine = json_string_value(json_object_get(json, "routine"));
    if (o->routine == NULL) o->routine = o->name;
    if (!identifier_is_valid(o->routine)) {
        return problem_set(r->problem, CODE, r->pointer, "the routine \"%.100s\" must be a name of letters, digits, _ and $, with at "
                                                         "most a schema and a database before it; say it by \"routine\"", o->routine);
    }
    if (!read_choice(r, json, "returns", type_names, TYPE_COUNT, &returns)) return false;
    o->returns = returns < 0 ? NULL : type_names[returns];
    if (o->returns != NULL) o->kind = OPERATION_FUNCTION;
    return true;
}

static bool read_operation(struct operation *o, bool statement, const json_t *json, const char *pointer, struct problem *problem) {
    struct reading r = { o, pointer, problem };
    int format = FORMAT_JSON;
    if (!json_is_object(json)) return problem_set(problem, CODE, pointer, "\"%s\" must be an object", o->name);
    o->kind = statement ? OPERATION_STATEMENT
              : json_is_true(json_object_get(json, "function")) ? OPERATION_FUNCTION : OPERATION_PROCEDURE;
    o->row_limit = 1000;
    o->max_rows = 1000000;
    o->timeout_ms = -1;
    o->transaction = !json_is_false(json_object_get(json, "transaction"));
    o->connections = json_object_get(json, "connections");
    if (!name_is_valid(o->name)) {
        return problem_set(problem, CODE, pointer, "\"%.100s\" must be a name of letters, digits, _, - and dots", o->name);
    }
    if (!read_choice(&r, json, "result", format_names, FORMAT_COUNT, &format) ||
        !config_integer(json, "rowLimit", 0, 1000000, &o->row_limit, pointer, problem) ||
        !config_integer(json, "maxRows", 1, INT64_C(1000000000000), &o->max_rows, pointer, problem) ||
        !config_integer(json, "timeoutMs", 1, 86400000, &o->timeout_ms, pointer, problem) ||
        !config_isolation(json, &o->isolation, pointer, problem) || !read_parameters(&r, json)) {
        return false;
    }
    o->format = (enum format)format;
    if (o->isolation != ISOLATION_DEFAULT && !o->transaction) {
        return problem_set(problem, CODE, pointer, "\"%s\" has an \"isolation\", which needs a transaction", o->name);
    }
    return statement ? read_statement(&r, json) : read_routine(&r, json);
}

bool operations_read(struct config *config, const char *key, struct problem *problem) {
    json_t *given = json_object_get(config->root, key), *value;
    bool statements = strcmp(key, "statements") == 0;
    struct operation *more;
    const char *name;
    char pointer[SPINDLE_MAX_NAME_BYTES];
    if (given == NULL) return true;
    if (!json_is_object(given) || json_object_size(given) > 4096) {
        (void)snprintf(pointer, sizeof pointer, "/%s", key);
        return problem_set(problem, CODE, pointer, "\"%s\" must be an object with at most 4,096 entries by their names", key);
    }
    more = realloc(config->operations, (config->operation_count + json_object_size(given) + 1) * sizeof *more);
    if (more == NULL) return problem_memory(problem);
    config->operations = more;
    json_object_foreach(given, name, value) {
        struct operation *operation = &config->operations[config->operation_count++];
        memset(operation, 0, sizeof *operation);
        operation->name = name;
        (void)snprintf(pointer, sizeof pointer, "/%s/%.100s", key, name);
        if (!read_operation(operation, statements, value, pointer, problem)) return false;
    }
    return true;
}

void operation_free(struct operation *operation) {
    free(operation->sql);
    free(operation->markers);
    free(operation->parameters);
}
