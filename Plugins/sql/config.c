#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "connection_string.h"

#define CODE "sql.config"

bool config_integer(const json_t *object, const char *key, int64_t least, int64_t most, int64_t *number, const char *pointer,
                    struct problem *problem) {
    const json_t *value = json_object_get(object, key);
    char place[SPINDLE_MAX_NAME_BYTES];
    if (value == NULL) return true;
    if (json_is_integer(value) && json_integer_value(value) >= least && json_integer_value(value) <= most) {
        *number = json_integer_value(value);
        return true;
    }
    (void)snprintf(place, sizeof place, "%s/%s", pointer, key);
    return problem_set(problem, CODE, place, "\"%s\" must be a whole number from %lld to %lld", key, (long long)least,
                       (long long)most);
}

bool config_isolation(const json_t *object, enum isolation *isolation, const char *pointer, struct problem *problem) {
    const json_t *value = json_object_get(object, "isolation");
    int found;
    char place[SPINDLE_MAX_NAME_BYTES];
    if (value == NULL) return true;
    found = json_is_string(value) ? name_find(json_string_value(value), isolation_names, ISOLATION_COUNT) : -1;
    if (found >= 0) {
        *isolation = (enum isolation)found;
        return true;
    }
    (void)snprintf(place, sizeof place, "%s/isolation", pointer);
    return problem_set(problem, CODE, place, "\"isolation\" must be one of default, readUncommitted, readCommitted, "
                                             "repeatableRead and serializable");
}

static bool read_system(struct connection_settings *settings, const char *pointer, struct problem *problem) {
    const char *driver = json_string_value(json_object_get(settings->json, "driver"));
    const char *system = json_string_value(json_object_get(settings->json, "system"));
    const char *dsn = json_string_value(json_object_get(settings->json, "dsn"));
    if ((driver == NULL) == (dsn == NULL)) {
        return problem_set(problem, CODE, pointer, "connection \"%s\" must have either \"driver\" or \"dsn\"", settings->name);
    }
    if (system != NULL) {
        int found = name_find(system, system_names, SYSTEM_COUNT);
        if (found < 0) {
            return problem_set(problem, CODE, pointer, "\"system\" of connection \"%s\" must be postgresql, mariadb, sqlite or "
                                                       "other", settings->name);
        }
        settings->system = (enum database_system)found;
    } else if (driver == NULL) {
        return problem_set(problem, CODE, pointer, "connection \"%s\" has a \"dsn\", so its \"system\" must be said: postgresql, "
                                                   "mariadb, sqlite or other", settings->name);
    } else {
        settings->system = system_of(driver);
    }
    return true;
}

static bool read_connection(struct connection_settings *settings, const char *name, const json_t *json, struct problem *problem) {
    char pointer[SPINDLE_MAX_NAME_BYTES];
    const char *password;
    int64_t pool = 4;
    struct text dry = { 0 };
    bool good;
    (void)snprintf(pointer, sizeof pointer, "/connections/%.100s", name);
    settings->name = name;
    settings->json = json;
    /* Less than the time that the host gives an attempt to end, for it cannot be ended while it connects. */
    settings->connect_timeout_ms = 4000;
    settings->idle_timeout_ms = 60000;
    settings->idle_check_ms = 1000;
    if (!name_is_valid(name)) {
        return problem_set(problem, CODE, pointer, "a connection's name must have letters, digits, _, - and dots only, not \"%.100s\"", name);
    }
    if (!json_is_object(json)) return problem_set(problem, CODE, pointer, "a connection must be an object");
    if (!read_system(settings, pointer, problem)) return false;
    password = json_string_value(json_object_get(json, "password"));
    if (password != NULL && strncmp(password, "secret://", 9) != 0) {
        return problem_set(problem, CODE, pointer, "the password of connection \"%s\" must be a reference: secret://NAME", name);
    }
    if (!config_integer(json, "pool", 1, 256, &pool, pointer, problem) ||
        !config_integer(json, "connectTimeoutMs", 1000, 300000, &settings->connect_timeout_ms, pointer, problem) ||
        !config_integer(json, "idleTimeoutMs", 0, 86400000, &settings->idle_timeout_ms, pointer, problem) ||
        !config_integer(json, "idleCheckMs", 0, 86400000, &settings->idle_check_ms, pointer, problem) ||
        !config_isolation(json, &settings->isolation, pointer, problem)) {
        return false;
    }
    settings->pool = (size_t)pool;
    settings->check = json_string_value(json_object_get(json, "check"));
    if (settings->check == NULL) settings->check = "SELECT 1";
    settings->read_only = json_is_true(json_object_get(json, "readOnly"));
    /* What cannot be written into a connection string is found now, not when the first job comes. */
    good = connection_string_make(settings, SPINDLE_STR("x"), &dry, problem);
    text_wipe(&dry);
    return good;
}

static bool read_connections(struct config *config, struct problem *problem) {
    json_t *given = json_object_get(config->root, "connections"), *value;
    const char *name;
    if (!json_is_object(given) || json_object_size(given) == 0 || json_object_size(given) > 256) {
        return problem_set(problem, CODE, "/connections", "\"connections\" must be an object with 1 to 256 connections by their names");
    }
    config->connections = calloc(json_object_size(given), sizeof *config->connections);
    if (config->connections == NULL) return problem_memory(problem);
    json_object_foreach(given, name, value) {
        if (!read_connection(&config->connections[config->connection_count++], name, value, problem)) return false;
    }
    return true;
}

static bool check_names(const struct config *config, struct problem *problem) {
    size_t i, j;
    for (i = 0; i < config->operation_count; i++) {
        const json_t *names = config->operations[i].connections;
        for (j = 0; j < i; j++) {
            if (strcmp(config->operations[i].name, config->operations[j].name) == 0) {
                return problem_set(problem, CODE, "/procedures", "\"%s\" is a statement and a procedure; a target could mean either",
                                   config->operations[i].name);
            }
        }
        for (j = 0; j < json_array_size(names); j++) {
            const char *name = json_string_value(json_array_get(names, j));
            if (name == NULL || json_object_get(json_object_get(config->root, "connections"), name) == NULL) {
                return problem_set(problem, CODE, "/connections", "\"%s\" names a connection that is not there: \"%.100s\"",
                                   config->operations[i].name, name == NULL ? "" : name);
            }
        }
    }
    return true;
}

bool config_read(struct config *config, spindle_str text, struct problem *problem) {
    json_error_t error;
    memset(config, 0, sizeof *config);
    config->max_artefact_bytes = INT64_C(1) << 30;
    config->root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(config->root)) {
        return problem_set(problem, CODE, "", "the configuration must be a JSON object with \"connections\"");
    }
    return config_integer(config->root, "maxArtefactBytes", 0, INT64_C(1) << 40, &config->max_artefact_bytes, "", problem) &&
           read_connections(config, problem) && operations_read(config, "statements", problem) &&
           operations_read(config, "procedures", problem) && check_names(config, problem);
}

void config_free(struct config *config) {
    size_t i;
    for (i = 0; i < config->operation_count; i++) operation_free(&config->operations[i]);
    free(config->operations);
    free(config->connections);
    json_decref(config->root);
    memset(config, 0, sizeof *config);
}
