#include "config.h"

#include "json.h"
#include "program.h"

#include <string.h>

#define ERROR_CODE "script.config"
#define MAX_WAIT_MS INT64_C(3600000)

enum key {
    KEY_PROGRAMS, KEY_SHELLS, KEY_PATH, KEY_ENV, KEY_WORKING_DIRECTORY, KEY_TEMP_DIRECTORY, KEY_MAX_OUTPUT_BYTES,
    KEY_KILL_GRACE_MS, KEY_ORPHANS, KEY_ORPHAN_WAIT_MS, KEY_SUCCESS_CODES, KEY_RETRYABLE_CODES, KEY_PERMANENT_CODES,
    KEY_SECRETS_IN_ENV, KEY_COUNT
};

static const char *const key_names[KEY_COUNT] = {
    "programs", "shells", "path", "env", "workingDirectory", "tempDirectory", "maxOutputBytes",
    "killGraceMs", "orphans", "orphanWaitMs", "successCodes", "retryableCodes", "permanentCodes",
    "secretsInEnv",
};
static const char *const key_pointers[KEY_COUNT] = {
    "/programs", "/shells", "/path", "/env", "/workingDirectory", "/tempDirectory", "/maxOutputBytes",
    "/killGraceMs", "/orphans", "/orphanWaitMs", "/successCodes", "/retryableCodes", "/permanentCodes",
    "/secretsInEnv",
};

struct reading {
    struct config *config;
    const struct json *given[KEY_COUNT];
    struct problem *problem;
};

static int refuse(const struct reading *reading, enum key key, const char *allowed) {
    return problem_set(reading->problem, ERROR_CODE, key_pointers[key], "\"%s\" must be %s, not %s", key_names[key], allowed,
                       json_kind_name(reading->given[key]));
}

static int read_integer(const struct reading *reading, enum key key, int64_t most, int64_t *number) {
    const struct json *value = reading->given[key];
    if (value == NULL) return 0;
    if (value->kind != JSON_NUMBER || !value->integral || value->integer < 0 || value->integer > most) {
        return problem_set(reading->problem, ERROR_CODE, key_pointers[key],
                           "\"%s\" must be a whole number from 0 to %lld", key_names[key], (long long)most);
    }
    *number = value->integer;
    return 0;
}

static bool is_absolute(const struct json *value) {
    return value->kind == JSON_STRING && value->text.len > 0 && value->text.len < 4000 && value->text.ptr[0] == '/' &&
           !str_holds_nul(value->text);
}

static int read_directory(const struct reading *reading, enum key key, const char **directory) {
    if (reading->given[key] == NULL) return 0;
    if (!is_absolute(reading->given[key])) return refuse(reading, key, "an absolute path");
    *directory = reading->given[key]->text.ptr;
    return 0;
}

static int read_path(const struct reading *reading) {
    const struct json *value = reading->given[KEY_PATH];
    const char *at;
    if (value == NULL) return 0;
    if (!is_absolute(value)) return refuse(reading, KEY_PATH, "absolute directories with ':' between");
    for (at = value->text.ptr; at != NULL; at = strchr(at, ':'), at = at == NULL ? NULL : at + 1) {
        /* An empty or relative part would mean the working directory, which a job can choose. */
        if (*at != '/') {
            return problem_set(reading->problem, ERROR_CODE, "/path",
                               "every part of \"path\" must be an absolute directory; \"%.*s\" has another one",
                               shown(value->text.len), value->text.ptr);
        }
    }
    reading->config->path = value->text.ptr;
    return 0;
}

static int read_programs(const struct reading *reading) {
    const struct json *value = reading->given[KEY_PROGRAMS];
    const struct json *item;
    struct config *config = reading->config;
    if (value == NULL) return 0;
    if (value->kind != JSON_ARRAY) return refuse(reading, KEY_PROGRAMS, "an array of absolute paths");
    config->programs = arena_alloc(&config->arena, (value->count + 1) * sizeof *config->programs);
    if (config->programs == NULL) return problem_memory(reading->problem);
    for (item = value->first; item != NULL; item = item->next) {
        if (!is_absolute(item)) {
            char pointer[40];
            (void)snprintf(pointer, sizeof pointer, "/programs/%zu", config->program_count);
            return problem_set(reading->problem, ERROR_CODE, pointer, "a program must be given by its absolute path");
        }
        config->programs[config->program_count++] = item->text.ptr;
    }
    config->any_program = false;
    return 0;
}

static int read_shells(const struct reading *reading) {
    const struct json *value = reading->given[KEY_SHELLS];
    const struct json *item;
    size_t index = 0, i;
    if (value == NULL) {
        /* A list of programs that a shell could step around would be no list. */
        if (reading->given[KEY_PROGRAMS] != NULL) reading->config->shells = 0;
        return 0;
    }
    if (value->kind != JSON_ARRAY) return refuse(reading, KEY_SHELLS, "an array of names");
    reading->config->shells = 0;
    for (item = value->first; item != NULL; item = item->next, index++) {
        for (i = 0; i < shell_count; i++) {
            if (item->kind == JSON_STRING && spindle_str_is(item->text, shell_names[i])) break;
        }
        if (i == shell_count) {
            char pointer[40], list[200];
            struct text text = { list, 0, sizeof list };
            shell_list(UINT32_MAX, &text);
            (void)snprintf(pointer, sizeof pointer, "/shells/%zu", index);
            return problem_set(reading->problem, ERROR_CODE, pointer, "a shell must be one of %.*s", (int)text.len, list);
        }
        reading->config->shells |= UINT32_C(1) << i;
    }
    return 0;
}

static bool is_variable_name(spindle_str name) {
    size_t i;
    if (name.len == 0 || name.len > 128) return false;
    for (i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (i > 0 && c >= '0' && c <= '9')) continue;
        return false;
    }
    return true;
}

static int read_env(const struct reading *reading) {
    const struct json *value = reading->given[KEY_ENV];
    const struct json *item;
    struct config *config = reading->config;
    if (value == NULL) return 0;
    if (value->kind != JSON_OBJECT) return refuse(reading, KEY_ENV, "an object of names and strings");
    config->env = arena_alloc(&config->arena, (value->count + 1) * sizeof *config->env);
    if (config->env == NULL) return problem_memory(reading->problem);
    for (item = value->first; item != NULL; item = item->next) {
        char pointer[160] = "/env";
        if (!is_variable_name(item->key) || (item->key.len >= 8 && memcmp(item->key.ptr, "SPINDLE_", 8) == 0)) {
            return problem_set(reading->problem, ERROR_CODE, pointer,
                               "\"%.*s\" in \"env\" must have a name of letters, digits and '_' that does not start with "
                               "a digit or SPINDLE_",
                               shown(item->key.len), item->key.ptr);
        }
        (void)snprintf(pointer, sizeof pointer, "/env/%s", item->key.ptr);
        if (item->kind != JSON_STRING || str_holds_nul(item->text) || item->text.len > 100000) {
            return problem_set(reading->problem, ERROR_CODE, pointer,
                               "a variable must be a string of at most 100,000 bytes without NUL, not %s",
                               item->kind == JSON_STRING ? "this one" : json_kind_name(item));
        }
        config->env[config->env_count++] = (struct variable){ item->key, item->text };
    }
    return 0;
}

static int read_orphans(const struct reading *reading) {
    const struct json *value = reading->given[KEY_ORPHANS];
    bool wait = false;
    if (value != NULL) {
        wait = value->kind == JSON_STRING && spindle_str_is(value->text, "wait");
        if (!wait && !(value->kind == JSON_STRING && spindle_str_is(value->text, "kill"))) {
            return problem_set(reading->problem, ERROR_CODE, "/orphans", "\"orphans\" must be \"kill\" or \"wait\"");
        }
    }
    if (!wait && reading->given[KEY_ORPHAN_WAIT_MS] != NULL) {
        return problem_set(reading->problem, ERROR_CODE, "/orphanWaitMs",
                           "\"orphanWaitMs\" has a meaning only with \"orphans\": \"wait\"");
    }
    /* A tenth of a second even for "kill": `program > >(tee log)` ends before its tee. */
    reading->config->orphan_wait_ms = wait ? 10000 : 100;
    return read_integer(reading, KEY_ORPHAN_WAIT_MS, MAX_WAIT_MS, &reading->config->orphan_wait_ms);
}

static int read_codes(const struct reading *reading) {
    struct code_set sets[SET_COUNT];
    int i;
    memset(sets, 0, sizeof sets);
    for (i = 0; i < SET_COUNT; i++) {
        const enum key key = (enum key)(KEY_SUCCESS_CODES + i);
        const struct json *value = reading->given[key];
        if (value == NULL) continue;
        if (value->kind != JSON_STRING) {
            return refuse(reading, key, "a string with codes and ranges, such as \"0,3,10-20\"");
        }
        sets[i] = (struct code_set){ true, value->text, key_pointers[key] };
    }
    return codes_apply(&reading->config->codes, sets, ERROR_CODE, reading->problem);
}

static int read_bool(const struct reading *reading, enum key key, bool *flag) {
    const struct json *value = reading->given[key];
    if (value == NULL) return 0;
    if (value->kind != JSON_BOOL) return refuse(reading, key, "true or false");
    *flag = value->boolean;
    return 0;
}

static int read_keys(struct reading *reading, const struct json *object) {
    const struct json *item;
    for (item = object->first; item != NULL; item = item->next) {
        const char *near;
        size_t i;
        for (i = 0; i < KEY_COUNT && !spindle_str_is(item->key, key_names[i]); i++) continue;
        if (i < KEY_COUNT) {
            reading->given[i] = item;
            continue;
        }
        near = nearest_name(item->key, key_names, KEY_COUNT);
        return problem_set(reading->problem, ERROR_CODE, NULL, "\"%.*s\" is not a setting of script%s%s%s",
                           shown(item->key.len), item->key.ptr, near == NULL ? "" : "; did you mean \"",
                           near == NULL ? "" : near, near == NULL ? "" : "\"?");
    }
    return 0;
}

int config_read(struct config *config, spindle_str text, struct problem *problem) {
    struct reading reading = { .config = config, .problem = problem };
    const struct json *object;
    char why[120];
    int64_t max_output = SPINDLE_MAX_OUTPUT_BYTES;
    memset(config, 0, sizeof *config);
    config->path = "/usr/local/bin:/usr/bin:/bin";
    config->any_program = true;
    config->shells = UINT32_MAX;
    config->temp_directory = "/tmp";
    config->kill_grace_ms = -1;
    codes_default(&config->codes);
    if (text.len == 0) text = SPINDLE_STR("{}");
    if (text.len > SPINDLE_MAX_OUTPUT_BYTES) {
        return problem_set(problem, ERROR_CODE, NULL, "the configuration is over 1 MiB");
    }
    object = json_read(&config->arena, text, why, sizeof why);
    if (object == NULL) return problem_set(problem, ERROR_CODE, NULL, "the configuration is not JSON: %s", why);
    if (object->kind != JSON_OBJECT) {
        return problem_set(problem, ERROR_CODE, NULL, "the configuration must be an object, not %s", json_kind_name(object));
    }
    if (read_keys(&reading, object) != 0 || read_path(&reading) != 0 || read_programs(&reading) != 0 ||
        read_shells(&reading) != 0 || read_env(&reading) != 0 ||
        read_directory(&reading, KEY_WORKING_DIRECTORY, &config->working_directory) != 0 ||
        read_directory(&reading, KEY_TEMP_DIRECTORY, &config->temp_directory) != 0 ||
        read_integer(&reading, KEY_MAX_OUTPUT_BYTES, SPINDLE_MAX_OUTPUT_BYTES, &max_output) != 0 ||
        read_integer(&reading, KEY_KILL_GRACE_MS, MAX_WAIT_MS, &config->kill_grace_ms) != 0 ||
        read_bool(&reading, KEY_SECRETS_IN_ENV, &config->secrets_in_env) != 0 || read_orphans(&reading) != 0 || read_codes(&reading) != 0) {
        return -1;
    }
    config->max_output = (size_t)max_output;
    return 0;
}

void config_free(struct config *config) { arena_free(&config->arena); }
