/* What a job asks for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "run.h"

static bool find_operation(struct run *run, struct instance *instance, spindle_str name) {
    const struct config *config = &instance->config;
    size_t i;
    for (i = 0; i < config->operation_count; i++) {
        if (spindle_str_is(name, config->operations[i].name)) {
            run->operation = &config->operations[i];
            return true;
        }
    }
    return problem_set(&run->problem, "sql.target", NULL, "there is no statement or procedure \"%.*s\" in the configuration", shown(name.len),
                       name.ptr);
}

static bool may_use(const struct operation *operation, const char *connection) {
    size_t i;
    if (operation->connections == NULL) return true;
    for (i = 0; i < json_array_size(operation->connections); i++) {
        if (strcmp(json_string_value(json_array_get(operation->connections, i)), connection) == 0) return true;
    }
    return false;
}

/* sql:CONNECTION/NAME */
static bool read_target(struct run *run, struct instance *instance) {
    spindle_str target = run->request->target, name;
    const char *slash;
    size_t i;
    if (target.len >= 4 && strncasecmp(target.ptr, "sql:", 4) == 0) target = spindle_str_make(target.ptr + 4, target.len - 4);
    slash = target.len == 0 ? NULL : memchr(target.ptr, '/', target.len);
    if (slash == NULL) {
        return problem_set(&run->problem, "sql.target", NULL, "the target must be sql:CONNECTION/NAME, where NAME is a statement or "
                                                             "procedure of the configuration");
    }
    name = spindle_str_make(slash + 1, target.len - (size_t)(slash + 1 - target.ptr));
    target.len = (size_t)(slash - target.ptr);
    for (i = 0; i < instance->pool_count; i++) {
        if (spindle_str_is(target, instance->pools[i].settings->name)) run->pool = &instance->pools[i];
    }
    if (run->pool == NULL) {
        return problem_set(&run->problem, "sql.target", NULL, "there is no connection \"%.*s\" in the configuration", shown(target.len),
                           target.ptr);
    }
    if (!find_operation(run, instance, name)) return false;
    return may_use(run->operation, run->pool->settings->name) ||
           problem_set(&run->problem, "sql.target", NULL, "\"%s\" may not be run on connection \"%s\"", run->operation->name,
                       run->pool->settings->name);
}

static bool read_number(struct run *run, const spindle_kv *given, int64_t least, int64_t most, int64_t *number) {
    char text[24], pointer[32], *end;
    long long value;
    (void)snprintf(text, sizeof text, "%.*s", (int)(given->value.len < 23 ? given->value.len : 23), given->value.ptr);
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == 0 && text[0] >= '0' && text[0] <= '9' && value >= least && value <= most) {
        *number = value;
        return true;
    }
    (void)snprintf(pointer, sizeof pointer, "/%.*s", (int)(given->key.len < 30 ? given->key.len : 30), given->key.ptr);
    return problem_set(&run->problem, "sql.parameter", pointer, "%.*s must be a whole number from %lld to %lld", shown(given->key.len),
                       given->key.ptr, (long long)least, (long long)most);
}

static bool read_format(struct run *run, const spindle_kv *given) {
    int i;
    for (i = 0; i < FORMAT_COUNT; i++) {
        if (!str_is_nocase(given->value, format_names[i])) continue;
        run->format = (enum format)i;
        return true;
    }
    return problem_set(&run->problem, "sql.parameter", "/Result", "Result must be json, csv or none");
}

/* A job may have less than the configuration allows, never more. A name that is not known may be one that was meant to change
 * what is done, so nothing is done. */
static bool read_options(struct run *run) {
    size_t i;
    for (i = 0; i < run->request->parameter_count; i++) {
        const spindle_kv *given = &run->request->parameters[i];
        bool good = true;
        if (str_is_nocase(given->key, "Result")) {
            good = read_format(run, given);
        } else if (str_is_nocase(given->key, "RowLimit")) {
            good = read_number(run, given, 0, run->operation->row_limit, &run->row_limit);
        } else if (str_is_nocase(given->key, "TimeoutMs")) {
            good = read_number(run, given, 1, run->timeout_ms < 0 ? 86400000 : run->timeout_ms, &run->timeout_ms);
        } else if (!str_is_nocase(given->key, "Params") && (given->key.len < 6 || strncasecmp(given->key.ptr, "Param_", 6) != 0)) {
            good = problem_set(&run->problem, "sql.parameter", NULL, "there is no parameter \"%.*s\"; known are Params, Param_NAME, Result, "
                                                                    "RowLimit and TimeoutMs", shown(given->key.len), given->key.ptr);
        }
        if (!good) return false;
    }
    return true;
}

struct run *run_make(struct instance *instance, const spindle_request *request) {
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) return NULL;
    run->request = request;
    run->deadline_ns = -1;
    run->statement = run->cancel_handle = SQL_NULL_HSTMT;
    run->max_artefact_bytes = instance->config.max_artefact_bytes;
    if (!read_target(run, instance)) return run;
    run->format = run->operation->format;
    run->row_limit = run->operation->row_limit;
    run->timeout_ms = run->operation->timeout_ms;
    if (read_options(run)) (void)arguments_read(&run->arguments, &instance->config, run->operation, request, &run->problem);
    return run;
}
