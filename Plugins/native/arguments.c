/* The arguments of a single call: `args`, `arg0` …, names of the signature, and the payload. */
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The item of the given-th argument; the count of items if there are fewer. */
static size_t item_of(const struct signature *signature, size_t given) {
    size_t i;
    for (i = 0; i < signature->count; i++) {
        if (item_takes_argument(&signature->items[i]) && given-- == 0) break;
    }
    return i;
}

static size_t arguments_of(const struct signature *signature) {
    size_t i, count = 0;
    for (i = 0; i < signature->count; i++) count += item_takes_argument(&signature->items[i]);
    return count;
}

void argument_name(const struct function *function, size_t given, char *text, size_t size) {
    size_t i = item_of(&function->signature, given);
    const char *name = i < function->signature.count ? function->signature.items[i].name : NULL;
    (void)snprintf(text, size, name == NULL ? "argument %zu" : "argument %zu (%.80s)", given, name);
}

static int wrong(struct job *job, const char *pointer, const char *what) {
    return problem_set(&job->problem, "native.arguments", pointer, "%s", what);
}

json_t *arguments_in_order(struct job *job, const struct function *function, json_t *given, const char *pointer) {
    const struct signature *signature = &function->signature;
    size_t wanted = arguments_of(signature), i, known = 0;
    json_t *ordered = json_array();
    if (json_is_array(given) && json_array_size(given) > wanted) {
        (void)problem_set(&job->problem, "native.arguments", pointer, "%s takes %zu arguments, and %zu are given", function->label,
                          wanted, json_array_size(given));
        json_decref(ordered);
        return NULL;
    }
    for (i = 0; ordered != NULL && i < wanted; i++) {
        size_t index = item_of(signature, i);
        const char *name = signature->items[index].name;
        const json_t *value = json_is_array(given) ? json_array_get(given, i) : name == NULL ? NULL : json_object_get(given, name);
        if (value != NULL) known++;
        if (value == NULL && function->notes != NULL) value = function->notes[index].fallback;
        if (value == NULL) {
            char label[120];
            argument_name(function, i, label, sizeof label);
            (void)problem_set(&job->problem, "native.arguments", pointer, "%s of %s is missing", label, function->label);
            json_decref(ordered);
            return NULL;
        }
        (void)json_array_append(ordered, (json_t *)value);
    }
    if (json_is_object(given) && known < json_object_size(given)) {
        const char *name;
        json_t *value;
        json_object_foreach(given, name, value) {
            for (i = 0; i < signature->count; i++) {
                const struct item *item = &signature->items[i];
                if (item->name != NULL && strcmp(item->name, name) == 0 && item_takes_argument(item)) break;
            }
            if (i < signature->count) continue;
            (void)problem_set(&job->problem, "native.arguments", pointer, "%s has no argument \"%.100s\"", function->label, name);
            break;
        }
        json_decref(ordered);
        return NULL;
    }
    return ordered;
}

/* The text of `arg0` or of a name: a JSON text for arrays and structs, else itself. */
static json_t *from_text(struct job *job, const struct item *item, spindle_str text, const char *pointer) {
    bool compound = item->shape == SHAPE_ARRAY || item->type->kind == KIND_STRUCT;
    json_t *value;
    json_error_t error;
    if (!compound || item->count_kind == COUNT_GIVEN) {
        value = json_stringn(text.len == 0 ? "" : text.ptr, text.len);
        if (value == NULL) (void)wrong(job, pointer, "it is not UTF-8");
        return value;
    }
    value = json_loadb(text.len == 0 ? "" : text.ptr, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        (void)problem_set(&job->problem, "native.arguments", pointer, "it must be JSON, and is not: %.150s", error.text);
    }
    return value;
}

/* N of "argN" without leading zeros; -1: it is another name. */
static long argument_number(spindle_str key) {
    long number = 0;
    size_t i;
    if (key.len < 4 || key.len > 6 || !same_ignoring_case(spindle_str_make(key.ptr, 3), "arg")) return -1;
    for (i = 3; i < key.len; i++) {
        if (key.ptr[i] < '0' || key.ptr[i] > '9' || (key.ptr[i] == '0' && i == 3 && key.len > 4)) return -1;
        number = number * 10 + (key.ptr[i] - '0');
    }
    return number;
}

/* The argument that a parameter means; -1: none. */
static long argument_by_key(const struct signature *signature, spindle_str key) {
    long number = argument_number(key);
    size_t i, given = 0;
    if (number >= 0) return number;
    for (i = 0; i < signature->count; i++) {
        const struct item *item = &signature->items[i];
        if (!item_takes_argument(item)) continue;
        if (item->name != NULL && same_ignoring_case(key, item->name)) return (long)given;
        given++;
    }
    return -1;
}

struct gathering {
    struct job *job;
    struct step *step;
    json_t *slots[SIGNATURE_MOST_ITEMS]; /* by argument */
    size_t given;
    json_t *whole; /* `args`, or a JSON payload */
};

static int read_output(struct gathering *r, const spindle_kv *parameter) {
    char *text = arena_copy(&r->job->plan, parameter->value.ptr, parameter->value.len);
    const struct signature *signature = &r->step->function->signature;
    size_t outs = 0, i;
    char *end;
    unsigned long index;
    if (text == NULL) return problem_memory(&r->job->problem, &r->job->plan);
    for (i = 0; i < signature->count; i++) outs += item_gives_value(&signature->items[i]);
    r->job->output = text;
    if (strcmp(text, "json") == 0 || strcmp(text, "result") == 0) return 0;
    if (strncmp(text, "out", 3) == 0 && text[3] >= '0' && text[3] <= '9') {
        index = strtoul(text + 3, &end, 10);
        if (*end == 0 && index < outs) return 0;
    }
    return problem_set(&r->job->problem, "native.arguments", "/Output",
                       "\"Output\" is json, result, or out0 to out%zu; this function gives %zu values by pointers",
                       outs == 0 ? 0 : outs - 1, outs);
}

static int read_fails(struct gathering *r, const spindle_kv *parameter, const char *pointer) {
    memset(&r->step->fails, 0, sizeof r->step->fails);
    if (r->step->function->name != NULL) {
        return wrong(r->job, pointer, "what means failure of a named function, the configuration says");
    }
    return failure_read(&r->step->fails, parameter->value, "native.arguments", pointer, &r->job->problem);
}

static int read_args(struct gathering *r, const spindle_kv *parameter, const char *pointer) {
    json_error_t error;
    if (r->whole != NULL) return wrong(r->job, pointer, "it is given twice");
    r->whole =
        json_loadb(parameter->value.len == 0 ? "" : parameter->value.ptr, parameter->value.len, JSON_REJECT_DUPLICATES, &error);
    if (r->whole != NULL) return 0;
    return problem_set(&r->job->problem, "native.arguments", pointer,
                       "it must be a JSON array or object: %.150s (write a number above 9223372036854775807 as a text)",
                       error.text);
}

static int read_parameter(struct gathering *r, const spindle_kv *parameter) {
    const struct signature *signature = &r->step->function->signature;
    char pointer[SPINDLE_MAX_NAME_BYTES] = "", key[200];
    long argument;
    (void)snprintf(key, sizeof key, "%.*s", shown(parameter->key.len), parameter->key.len == 0 ? "" : parameter->key.ptr);
    pointer_add(pointer, sizeof pointer, key);
    if (same_ignoring_case(parameter->key, "Output")) return read_output(r, parameter);
    if (same_ignoring_case(parameter->key, "Fails")) return read_fails(r, parameter, pointer);
    if (same_ignoring_case(parameter->key, "args")) return read_args(r, parameter, pointer);
    argument = argument_by_key(signature, parameter->key);
    if (argument >= 0) {
        if (argument >= SIGNATURE_MOST_ITEMS || item_of(signature, (size_t)argument) == signature->count) {
            return problem_set(&r->job->problem, "native.arguments", pointer, "%s takes only %zu arguments",
                               r->step->function->label, arguments_of(signature));
        }
        if (r->slots[argument] != NULL) return wrong(r->job, pointer, "the same argument is given twice");
        r->slots[argument] = from_text(r->job, &signature->items[item_of(signature, (size_t)argument)], parameter->value, pointer);
        r->given++;
        return r->slots[argument] == NULL ? -1 : 0;
    }
    return problem_set(&r->job->problem, "native.arguments", pointer,
                       "there is no parameter \"%.100s\"; known are args, arg0 …, Output, Fails and the names of the signature",
                       key);
}

static bool is_json(spindle_str type) {
    size_t length = strlen("application/json");
    return type.len >= length && same_ignoring_case(spindle_str_make(type.ptr, length), "application/json") &&
           (type.len == length || type.ptr[length] == ';');
}

/* The payload is all arguments, if it is JSON and there are no others; else the first bytes or text that is still missing. */
static int take_payload(struct gathering *r) {
    const struct signature *signature = &r->step->function->signature;
    const spindle_request *request = r->job->request;
    json_error_t error;
    size_t i, given = 0;
    if (request->payload.len == 0 || r->whole != NULL) return 0; /* `args` may say {"payload": true} */
    if (r->given == 0 && is_json(request->content_type)) {
        r->whole = json_loadb(request->payload.ptr, request->payload.len, JSON_REJECT_DUPLICATES, &error);
        if (r->whole != NULL) return 0;
        return problem_set(&r->job->problem, "native.payload", NULL, "the payload is not a JSON array or object: %.150s",
                           error.text);
    }
    for (i = 0; i < signature->count; i++) {
        const struct item *item = &signature->items[i];
        if (!item_takes_argument(item)) continue;
        if (r->slots[given] == NULL && item->direction != DIRECTION_OUT &&
            (item->shape == SHAPE_BYTES || (item->shape == SHAPE_ONE && item->type->kind == KIND_CSTR))) {
            r->slots[given] = json_pack("{s:b}", "payload", 1);
            r->given++;
            return 0;
        }
        given++;
    }
    return problem_set(&r->job->problem, "native.payload", NULL, "%s takes no bytes or text that the payload could be",
                       r->step->function->label);
}

/* What is given one by one, as an array with null where the configuration has to help. */
static json_t *gather(struct gathering *r) {
    const struct function *function = r->step->function;
    size_t wanted = arguments_of(&function->signature), i;
    json_t *array = json_array();
    for (i = 0; i < wanted; i++) {
        size_t index = item_of(&function->signature, i);
        json_t *value = r->slots[i];
        char label[120];
        if (value == NULL && function->notes != NULL) value = (json_t *)function->notes[index].fallback;
        if (value == NULL) {
            argument_name(function, i, label, sizeof label);
            (void)problem_set(&r->job->problem, "native.arguments", NULL, "%s of %s is missing", label, function->label);
            json_decref(array);
            return NULL;
        }
        (void)json_array_append(array, value);
    }
    return array;
}

int arguments_read(struct job *job, struct step *step) {
    struct gathering r = { .job = job, .step = step };
    const spindle_request *request = job->request;
    size_t i;
    int status = 0;
    for (i = 0; status == 0 && i < request->parameter_count; i++) status = read_parameter(&r, &request->parameters[i]);
    if (status == 0) status = take_payload(&r);
    if (status == 0 && r.whole != NULL && r.given > 0) {
        status = wrong(job, "/args", "either args, or arguments one by one; not both");
    }
    if (status == 0) {
        job->document = r.whole != NULL ? arguments_in_order(job, step->function, r.whole, "/args") : gather(&r);
        step->arguments = job->document;
        status = job->document == NULL ? -1 : 0;
    }
    for (i = 0; i < SIGNATURE_MOST_ITEMS; i++) json_decref(r.slots[i]);
    json_decref(r.whole);
    return status;
}
