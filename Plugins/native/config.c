#include "config.h"

#include <stdio.h>
#include <string.h>

#define ERROR_CODE "native.config"
#define MAX_BYTES_DEFAULT ((json_int_t)16 << 20)
#define MAX_BYTES_MOST ((json_int_t)1 << 30)

static int refuse(struct problem *problem, const char *pointer, const char *what) {
    return problem_set(problem, ERROR_CODE, pointer, "%s", what);
}

struct library *config_library(struct config *config, struct library **list, const char *name, struct problem *problem) {
    struct library *library;
    for (library = *list; library != NULL; library = library->next) {
        if (strcmp(library->name, name) == 0) return library;
    }
    /* A relative path would mean another file in another working directory. */
    if (name[0] == 0 || strlen(name) > 4000 || (name[0] != '/' && strchr(name, '/') != NULL) || strchr(name, '!') != NULL) {
        (void)problem_set(problem, ERROR_CODE, NULL,
                          "\"%.200s\" is not a library; write its name as the loader finds it (libm.so.6), or an absolute path",
                          name);
        return NULL;
    }
    library = arena_alloc(&config->arena, sizeof *library);
    if (library == NULL) {
        (void)problem_memory(problem, &config->arena);
        return NULL;
    }
    library->name = name;
    library->next = *list;
    *list = library;
    return library;
}

static int read_libraries(struct config *config, const json_t *libraries, struct problem *problem) {
    char pointer[40];
    size_t i;
    if (libraries == NULL) return 0;
    if (!json_is_array(libraries)) return refuse(problem, "/libraries", "\"libraries\" must be an array of names");
    for (i = 0; i < json_array_size(libraries); i++) {
        const char *name = json_string_value(json_array_get(libraries, i));
        (void)snprintf(pointer, sizeof pointer, "/libraries/%zu", i);
        if (name == NULL) return refuse(problem, pointer, "a library is given by its name or absolute path");
        if (config_library(config, &config->allowed, name, problem) == NULL) {
            (void)snprintf(problem->pointer, sizeof problem->pointer, "%s", pointer);
            return -1;
        }
    }
    return 0;
}

/* In the order of their names, so that lists and schemas do not depend on a hash. */
static void insert(struct config *config, struct function *function) {
    struct function **at = &config->functions;
    while (*at != NULL && strcmp((*at)->name, function->name) < 0) at = &(*at)->next;
    function->next = *at;
    *at = function;
    config->function_count++;
}

static int read_functions(struct config *config, json_t *functions, struct problem *problem) {
    const char *name;
    json_t *entry;
    if (functions == NULL) return 0;
    if (!json_is_object(functions)) {
        return refuse(problem, "/functions", "\"functions\" must be an object: a function for each name");
    }
    json_object_foreach(functions, name, entry) {
        struct function *function = config_function(config, name, entry, problem);
        if (function == NULL) {
            char rest[sizeof problem->pointer], context[200];
            (void)snprintf(rest, sizeof rest, "%s", problem->pointer);
            (void)snprintf(problem->pointer, sizeof problem->pointer, "/functions");
            pointer_add(problem->pointer, sizeof problem->pointer, name);
            (void)strncat(problem->pointer, rest, sizeof problem->pointer - strlen(problem->pointer) - 1);
            (void)snprintf(context, sizeof context, "the function \"%.100s\"", name);
            problem_prefix(problem, context);
            return -1;
        }
        insert(config, function);
    }
    return 0;
}

static int read_all(struct config *config, struct problem *problem) {
    static const char *const keys[] = { "libraries", "functions", "maxBytes" };
    const json_t *bytes = json_object_get(config->json, "maxBytes");
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach(config->json, key, value) {
        for (i = 0; i < sizeof keys / sizeof *keys && strcmp(key, keys[i]) != 0; i++) {}
        if (i == sizeof keys / sizeof *keys) {
            char pointer[SPINDLE_MAX_NAME_BYTES] = "";
            pointer_add(pointer, sizeof pointer, key);
            return problem_set(problem, ERROR_CODE, pointer, "unknown key \"%.100s\"; known are libraries, functions and maxBytes",
                               key);
        }
    }
    config->max_bytes = (size_t)MAX_BYTES_DEFAULT;
    if (bytes != NULL) {
        if (!json_is_integer(bytes) || json_integer_value(bytes) < 4096 || json_integer_value(bytes) > MAX_BYTES_MOST) {
            return refuse(problem, "/maxBytes", "\"maxBytes\" must be a whole number from 4096 to 1073741824");
        }
        config->max_bytes = (size_t)json_integer_value(bytes);
    }
    if (read_libraries(config, json_object_get(config->json, "libraries"), problem) != 0) return -1;
    return read_functions(config, json_object_get(config->json, "functions"), problem);
}

int config_read(struct config *config, spindle_str text, struct problem *problem) {
    json_error_t error;
    memset(config, 0, sizeof *config);
    config->json = json_loadb(text.len == 0 ? "{}" : text.ptr, text.len == 0 ? 2 : text.len, JSON_REJECT_DUPLICATES, &error);
    if (config->json == NULL) {
        return problem_set(problem, ERROR_CODE, "", "the configuration is not JSON: %.200s", error.text);
    }
    if (!json_is_object(config->json)) return refuse(problem, "", "the configuration must be an object");
    return read_all(config, problem);
}

void config_free(struct config *config) {
    json_decref(config->json);
    arena_free(&config->arena);
}

int config_check(struct config *config, struct problem *problem) {
    struct library *library;
    const struct function *function;
    native_function address;
    for (library = config->allowed; library != NULL; library = library->next) {
        if (library_open(library, problem) != 0) return -1;
    }
    for (function = config->functions; function != NULL; function = function->next) {
        if (library_function(function->library, function->symbol, &address, problem) != 0) return -1;
    }
    return 0;
}
