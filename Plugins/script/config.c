#include "program.h"
#include "values.h"

#include <string.h>

#define MAX_WAIT_MS INT64_C(3600000)

static const char *const key_names[] = {
    "programs", "shells", "inline", "path", "env", "workingDirectory", "tempDirectory", "user", "allowRoot",
    "maxOutputBytes", "maxArtefacts", "maxArtefactBytes", "maxCpuSeconds", "maxMemoryBytes", "maxFileBytes", "maxOpenFiles",
    "maxProcesses", "killGraceMs", "orphans", "orphanWaitMs", "successCodes", "retryableCodes", "permanentCodes",
    "secretsInEnv",
};
#define KEY_COUNT (sizeof key_names / sizeof *key_names)

static int read_keys(const struct reading *reading) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)reading->object, key, value) {
        const char *near;
        size_t i;
        for (i = 0; i < KEY_COUNT && strcmp(key, key_names[i]) != 0; i++) continue;
        if (i < KEY_COUNT) continue;
        near = nearest_name(spindle_str_from_cstr(key), key_names, KEY_COUNT);
        return problem_set(reading->problem, CONFIG_ERROR, NULL, "\"%.*s\" is not a setting of script%s%s%s",
                           shown(strlen(key)), key, near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
                           near == NULL ? "" : "\"?");
    }
    return 0;
}

static int read_path(const struct reading *reading) {
    const json_t *value = value_of(reading, "path");
    const char *at;
    if (value == NULL) return 0;
    if (!is_absolute(value)) return value_refuse(reading, "path", "absolute directories with ':' between");
    for (at = json_string_value(value); at != NULL; at = strchr(at, ':'), at = at == NULL ? NULL : at + 1) {
        /* An empty or relative part would mean the working directory, which a job can choose. */
        if (*at != '/') {
            return problem_set(reading->problem, CONFIG_ERROR, "/path",
                               "every part of \"path\" must be an absolute directory; \"%.*s\" has another one",
                               shown(json_string_length(value)), json_string_value(value));
        }
    }
    reading->config->path = json_string_value(value);
    return 0;
}

static int read_programs(const struct reading *reading) {
    const json_t *value = value_of(reading, "programs");
    struct config *config = reading->config;
    const json_t *item;
    size_t i;
    if (value == NULL) return 0;
    if (!json_is_array(value)) return value_refuse(reading, "programs", "an array of absolute paths");
    config->programs = arena_alloc(&config->arena, (json_array_size(value) + 1) * sizeof *config->programs);
    if (config->programs == NULL) return problem_memory(reading->problem);
    json_array_foreach(value, i, item) {
        if (!is_absolute(item)) {
            char pointer[40];
            (void)snprintf(pointer, sizeof pointer, "/programs/%zu", i);
            return problem_set(reading->problem, CONFIG_ERROR, pointer, "a program must be given by its absolute path");
        }
        config->programs[config->program_count++] = json_string_value(item);
    }
    config->any_program = false;
    /* A list of programs that the text of a script could step around would be no list. */
    config->shells = 0;
    config->inline_texts = false;
    return 0;
}

static int read_shells(const struct reading *reading) {
    const json_t *value = value_of(reading, "shells");
    const json_t *item;
    size_t index, i;
    if (read_bool(reading, "inline", &reading->config->inline_texts) != 0) return -1;
    if (value == NULL) {
        if (json_is_true(value_of(reading, "inline"))) reading->config->shells = UINT32_MAX;
        return 0;
    }
    if (!json_is_array(value)) return value_refuse(reading, "shells", "an array of names");
    reading->config->shells = 0;
    json_array_foreach(value, index, item) {
        for (i = 0; i < shell_count; i++) {
            if (json_is_string(item) && spindle_str_is(json_text(item), shell_names[i])) break;
        }
        if (i == shell_count) {
            char pointer[40], list[200];
            struct text text = { list, 0, sizeof list };
            shell_list(UINT32_MAX, &text);
            (void)snprintf(pointer, sizeof pointer, "/shells/%zu", index);
            return problem_set(reading->problem, CONFIG_ERROR, pointer, "a shell must be one of %.*s", (int)text.len, list);
        }
        reading->config->shells |= UINT32_C(1) << i;
    }
    return 0;
}

static bool is_variable_name(const char *name) {
    size_t i;
    for (i = 0; name[i] != 0; i++) {
        char c = name[i];
        if (c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (i > 0 && c >= '0' && c <= '9')) continue;
        return false;
    }
    return i > 0 && i <= 128;
}

static int read_env(const struct reading *reading) {
    const json_t *value = value_of(reading, "env");
    struct config *config = reading->config;
    const char *name;
    json_t *item;
    if (value == NULL) return 0;
    if (!json_is_object(value)) return value_refuse(reading, "env", "an object of names and strings");
    config->env = arena_alloc(&config->arena, (json_object_size(value) + 1) * sizeof *config->env);
    if (config->env == NULL) return problem_memory(reading->problem);
    json_object_foreach((json_t *)value, name, item) {
        char pointer[160] = "/env";
        if (!is_variable_name(name) || strncmp(name, "SPINDLE_", 8) == 0) {
            return problem_set(reading->problem, CONFIG_ERROR, pointer,
                               "\"%.*s\" in \"env\" must have a name of letters, digits and '_' that does not start with "
                               "a digit or SPINDLE_",
                               shown(strlen(name)), name);
        }
        (void)snprintf(pointer, sizeof pointer, "/env/%s", name);
        if (!json_is_string(item) || str_holds_nul(json_text(item)) || json_string_length(item) > 100000) {
            return problem_set(reading->problem, CONFIG_ERROR, pointer,
                               "a variable must be a string of at most 100,000 bytes without NUL, not %s",
                               json_is_string(item) ? "this one" : json_kind(item));
        }
        config->env[config->env_count++] = (struct variable){ spindle_str_from_cstr(name), json_text(item) };
    }
    return 0;
}

static int read_orphans(const struct reading *reading) {
    const json_t *value = value_of(reading, "orphans");
    bool wait = json_is_string(value) && spindle_str_is(json_text(value), "wait");
    if (value != NULL && !wait && !(json_is_string(value) && spindle_str_is(json_text(value), "kill"))) {
        return problem_set(reading->problem, CONFIG_ERROR, "/orphans", "\"orphans\" must be \"kill\" or \"wait\"");
    }
    if (!wait && value_of(reading, "orphanWaitMs") != NULL) {
        return problem_set(reading->problem, CONFIG_ERROR, "/orphanWaitMs",
                           "\"orphanWaitMs\" has a meaning only with \"orphans\": \"wait\"");
    }
    /* A tenth of a second even for "kill": `program > >(tee log)` ends before its tee. */
    reading->config->orphan_wait_ms = wait ? 10000 : 100;
    return read_integer(reading, "orphanWaitMs", 0, MAX_WAIT_MS, &reading->config->orphan_wait_ms);
}

static int read_codes(const struct reading *reading) {
    static const char *const pointers[SET_COUNT] = { "/successCodes", "/retryableCodes", "/permanentCodes" };
    struct code_set sets[SET_COUNT];
    int i;
    memset(sets, 0, sizeof sets);
    for (i = 0; i < SET_COUNT; i++) {
        const json_t *value = value_of(reading, pointers[i] + 1);
        if (value == NULL) continue;
        if (!json_is_string(value)) {
            return value_refuse(reading, pointers[i] + 1, "a string with codes and ranges, such as \"0,3,10-20\"");
        }
        sets[i] = (struct code_set){ true, json_text(value), pointers[i] };
    }
    return codes_apply(&reading->config->codes, sets, CONFIG_ERROR, reading->problem);
}

static int read_user(const struct reading *reading) {
    const json_t *value = value_of(reading, "user");
    bool allow_root = false;
    if (read_bool(reading, "allowRoot", &allow_root) != 0) return -1;
    if (value == NULL) return 0;
    if (!json_is_string(value)) return value_refuse(reading, "user", "a name or a number in quotes, or USER:GROUP");
    return user_read(&reading->config->user, json_text(value), allow_root, reading->problem);
}

static int read_limits(const struct reading *reading) {
    struct config *config = reading->config;
    int64_t max_output = SPINDLE_MAX_OUTPUT_BYTES;
    int i;
    if (read_integer(reading, "maxOutputBytes", 0, SPINDLE_MAX_OUTPUT_BYTES, &max_output) != 0 ||
        read_integer(reading, "maxArtefacts", 0, 1000, &config->max_artefacts) != 0 ||
        read_integer(reading, "maxArtefactBytes", 0, INT64_C(1) << 40, &config->max_artefact_bytes) != 0 ||
        read_integer(reading, "killGraceMs", 0, MAX_WAIT_MS, &config->kill_grace_ms) != 0) {
        return -1;
    }
    config->max_output = (size_t)max_output;
    for (i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_form *form = &limit_forms[i];
        if (read_integer(reading, form->key, form->least, form->most, &config->limits.value[i]) != 0) return -1;
    }
    return 0;
}

int config_read(struct config *config, spindle_str text, struct problem *problem) {
    struct reading reading = { .config = config, .problem = problem };
    json_error_t why;
    memset(config, 0, sizeof *config);
    config->path = "/usr/local/bin:/usr/bin:/bin";
    config->any_program = true;
    config->shells = UINT32_MAX;
    config->inline_texts = true;
    config->temp_directory = "/tmp";
    config->max_artefacts = 100;
    config->max_artefact_bytes = 67108864;
    config->kill_grace_ms = -1;
    limits_none(&config->limits);
    codes_default(&config->codes);
    if (text.len == 0) text = SPINDLE_STR("{}");
    if (text.len > SPINDLE_MAX_OUTPUT_BYTES) {
        return problem_set(problem, CONFIG_ERROR, NULL, "the configuration is over 1 MiB");
    }
    config->json = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &why);
    if (config->json == NULL) return problem_set(problem, CONFIG_ERROR, NULL, "the configuration is not JSON: %s", why.text);
    if (!json_is_object(config->json)) {
        return problem_set(problem, CONFIG_ERROR, NULL, "the configuration must be an object, not %s", json_kind(config->json));
    }
    reading.object = config->json;
    if (read_keys(&reading) != 0 || read_path(&reading) != 0 || read_programs(&reading) != 0 || read_shells(&reading) != 0 ||
        read_env(&reading) != 0 || read_directory(&reading, "workingDirectory", &config->working_directory) != 0 ||
        read_directory(&reading, "tempDirectory", &config->temp_directory) != 0 || read_limits(&reading) != 0 ||
        read_bool(&reading, "secretsInEnv", &config->secrets_in_env) != 0 || read_user(&reading) != 0 ||
        read_orphans(&reading) != 0) {
        return -1;
    }
    return read_codes(&reading);
}

void config_free(struct config *config) {
    json_decref(config->json);
    arena_free(&config->arena);
}
