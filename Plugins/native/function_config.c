/* One entry of "functions" of the configuration. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#define ERROR_CODE "native.config"

/* Refuses keys that are not in the table; `pointer` leads to the object. */
static int only_keys(json_t *object, const char *pointer, const char *const *keys, size_t count, struct problem *problem) {
    const char *key;
    json_t *value;
    size_t i;
    if (!json_is_object(object)) return problem_set(problem, ERROR_CODE, pointer, "it must be an object");
    json_object_foreach(object, key, value) {
        for (i = 0; i < count && strcmp(key, keys[i]) != 0; i++) {}
        if (i == count) {
            char full[SPINDLE_MAX_NAME_BYTES];
            (void)snprintf(full, sizeof full, "%s", pointer);
            pointer_add(full, sizeof full, key);
            return problem_set(problem, ERROR_CODE, full, "unknown key \"%.100s\"", key);
        }
    }
    return 0;
}

static int text_of(const json_t *object, const char *key, const char **text, struct problem *problem) {
    const json_t *value = json_object_get(object, key);
    char pointer[80];
    if (value == NULL) return 0;
    *text = json_string_value(value);
    if (*text != NULL) return 0;
    (void)snprintf(pointer, sizeof pointer, "/%.60s", key);
    return problem_set(problem, ERROR_CODE, pointer, "\"%.60s\" must be a text", key);
}

static int read_note(struct note *note, json_t *entry, const char *pointer, struct problem *problem) {
    static const char *const keys[] = { "unit", "description", "minimum", "maximum", "default" };
    if (only_keys(entry, pointer, keys, sizeof keys / sizeof *keys, problem) != 0) return -1;
    if (text_of(entry, "unit", &note->unit, problem) != 0 || text_of(entry, "description", &note->description, problem) != 0) {
        (void)snprintf(problem->pointer, sizeof problem->pointer, "%s", pointer);
        return -1;
    }
    note->least = json_object_get(entry, "minimum");
    note->most = json_object_get(entry, "maximum");
    note->fallback = json_object_get(entry, "default");
    if ((note->least != NULL && !json_is_number(note->least)) || (note->most != NULL && !json_is_number(note->most))) {
        return problem_set(problem, ERROR_CODE, pointer, "\"minimum\" and \"maximum\" must be numbers");
    }
    return 0;
}

static int read_notes(struct function *function, json_t *parameters, struct arena *arena, struct problem *problem) {
    const struct signature *signature = &function->signature;
    const char *name;
    json_t *entry;
    size_t i;
    function->notes = arena_alloc(arena, (signature->count + 1) * sizeof *function->notes);
    if (function->notes == NULL) return problem_memory(problem, arena);
    if (parameters == NULL) return 0;
    if (!json_is_object(parameters)) return problem_set(problem, ERROR_CODE, "/parameters", "\"parameters\" must be an object");
    json_object_foreach(parameters, name, entry) {
        char pointer[SPINDLE_MAX_NAME_BYTES] = "/parameters";
        pointer_add(pointer, sizeof pointer, name);
        for (i = 0; i < signature->count; i++) {
            const struct item *item = &signature->items[i];
            if (item->name != NULL && strcmp(item->name, name) == 0 && item_takes_argument(item)) break;
        }
        if (i == signature->count) {
            return problem_set(problem, ERROR_CODE, pointer, "no argument of the signature has the name \"%.100s\"", name);
        }
        if (read_note(&function->notes[i], entry, pointer, problem) != 0) return -1;
        if ((function->notes[i].least != NULL || function->notes[i].most != NULL) &&
            (signature->items[i].shape != SHAPE_ONE ||
             (signature->items[i].type->kind != KIND_INTEGER && signature->items[i].type->kind != KIND_REAL))) {
            return problem_set(problem, ERROR_CODE, pointer, "\"minimum\" and \"maximum\" are for numbers");
        }
    }
    return 0;
}

static int read_fails(struct function *function, json_t *fails, struct problem *problem) {
    static const char *const keys[] = { "when", "errno", "outcome" };
    const char *when = NULL, *outcome = NULL;
    if (fails == NULL) return 0;
    if (json_is_string(fails)) {
        when = json_string_value(fails);
    } else {
        if (only_keys(fails, "/fails", keys, sizeof keys / sizeof *keys, problem) != 0) return -1;
        when = json_string_value(json_object_get(fails, "when"));
        outcome = json_string_value(json_object_get(fails, "outcome"));
    }
    if (when == NULL) {
        return problem_set(problem, ERROR_CODE, "/fails", "\"when\" must say which results mean failure, such as \"< 0\"");
    }
    if (failure_read(&function->fails, spindle_str_from_cstr(when), ERROR_CODE, "/fails", problem) != 0) return -1;
    if (json_is_true(json_object_get(fails, "errno"))) function->fails.use_errno = true;
    if (outcome != NULL && strcmp(outcome, "retryable") == 0) {
        function->fails.outcome = SPINDLE_RETRYABLE;
    } else if (outcome != NULL && strcmp(outcome, "permanent") == 0) {
        function->fails.outcome = SPINDLE_PERMANENT;
    } else if (json_object_get(fails, "outcome") != NULL) {
        return problem_set(problem, ERROR_CODE, "/fails/outcome", "\"outcome\" must be retryable or permanent");
    }
    return failure_check(&function->fails, &function->signature.result, problem);
}

static bool is_name(const char *name) {
    return strlen(name) >= 1 && strlen(name) <= 128 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == strlen(name);
}

struct function *config_function(struct config *config, const char *name, json_t *entry, struct problem *problem) {
    static const char *const keys[] = { "library", "symbol", "signature", "description", "parameters", "result", "fails" };
    const char *library = NULL, *text = NULL;
    struct scanner s = { .arena = &config->arena, .problem = problem };
    struct function *function = arena_alloc(&config->arena, sizeof *function);
    char *label;
    if (function == NULL) return problem_memory(problem, &config->arena), NULL;
    if (!is_name(name)) {
        return (void)problem_set(problem, ERROR_CODE, NULL, "a name has letters, digits, _, . and -, at most 128"), NULL;
    }
    function->name = name;
    function->symbol = name;
    if (only_keys(entry, "", keys, sizeof keys / sizeof *keys, problem) != 0 ||
        text_of(entry, "library", &library, problem) != 0 || text_of(entry, "symbol", &function->symbol, problem) != 0 ||
        text_of(entry, "signature", &text, problem) != 0 || text_of(entry, "description", &function->description, problem) != 0) {
        return NULL;
    }
    if (library == NULL || text == NULL) {
        return (void)problem_set(problem, ERROR_CODE, NULL, "\"library\" and \"signature\" are needed"), NULL;
    }
    function->library = config_library(config, &config->named, library, problem);
    if (function->library == NULL) return NULL;
    label = arena_alloc(&config->arena, strlen(library) + strlen(function->symbol) + 2);
    if (label == NULL) return problem_memory(problem, &config->arena), NULL;
    (void)sprintf(label, "%s!%s", library, function->symbol);
    function->label = label;
    s.text = s.at = text;
    s.end = text + strlen(text);
    if (signature_read(&function->signature, &s) != 0) {
        (void)snprintf(problem->pointer, sizeof problem->pointer, "/signature");
        return NULL;
    }
    if (read_notes(function, json_object_get(entry, "parameters"), &config->arena, problem) != 0 ||
        (json_object_get(entry, "result") != NULL &&
         read_note(&function->result, json_object_get(entry, "result"), "/result", problem) != 0) ||
        read_fails(function, json_object_get(entry, "fails"), problem) != 0) {
        return NULL;
    }
    return function;
}
