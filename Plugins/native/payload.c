/* A payload {"calls": [{"call": …, "args": …, "as": …, "fails": …, "always": …}, …]}. */
#include "job.h"

#include <stdio.h>
#include <string.h>

static const char *const keys[] = { "call", "args", "as", "fails", "always" };

static int wrong(struct job *job, const char *pointer, const char *what) {
    return problem_set(&job->problem, "native.payload", pointer, "%s: %s", pointer, what);
}

static bool is_word(const char *text) {
    return strlen(text) >= 1 && strlen(text) <= 64 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(text);
}

/* A name is there once, and for what comes later only. */
static int read_name(struct job *job, struct step *step, const char *as, const char *pointer) {
    const struct step *other;
    if (as == NULL || !is_word(as)) return wrong(job, pointer, "\"as\" has letters, digits, _ and -, at most 64");
    for (other = job->steps; other < step; other++) {
        if (other->as != NULL && strcmp(other->as, as) == 0) {
            return wrong(job, pointer, "an earlier call has the same name in \"as\"");
        }
    }
    step->as = as;
    return 0;
}

static int read_step(struct job *job, struct step *step, json_t *entry, const char *pointer) {
    const char *call = json_string_value(json_object_get(entry, "call")), *key;
    const json_t *as = json_object_get(entry, "as"), *fails = json_object_get(entry, "fails"),
                 *always = json_object_get(entry, "always");
    json_t *given = json_object_get(entry, "args"), *none = NULL, *ordered, *value;
    size_t i;
    json_object_foreach(entry, key, value) {
        for (i = 0; i < sizeof keys / sizeof *keys && strcmp(key, keys[i]) != 0; i++) {}
        if (i == sizeof keys / sizeof *keys) {
            return wrong(job, pointer, "a call has call, args, as, fails and always, and nothing else");
        }
    }
    if (call == NULL) return wrong(job, pointer, "\"call\" is missing: a function as in a target");
    step->function = function_find(job->config, spindle_str_from_cstr(call), &job->plan, &job->problem);
    if (step->function == NULL) return -1;
    step->fails = step->function->fails;
    if (as != NULL && read_name(job, step, json_string_value(as), pointer) != 0) return -1;
    if (always != NULL && !json_is_boolean(always)) return wrong(job, pointer, "\"always\" is true or false");
    step->always = json_is_true(always);
    if (fails != NULL) {
        if (!json_is_string(fails)) return wrong(job, pointer, "\"fails\" is a text such as \"!= 0\"");
        if (step->function->name != NULL) {
            return wrong(job, pointer, "what means failure of a named function, the configuration says");
        }
        memset(&step->fails, 0, sizeof step->fails);
        if (failure_read(&step->fails, spindle_str_from_cstr(json_string_value(fails)), "native.payload", pointer, &job->problem) !=
            0)
            return -1;
    }
    if (given == NULL) given = none = json_array();
    if (!json_is_array(given) && !json_is_object(given)) {
        return wrong(job, pointer, "\"args\" is an array, or an object with names");
    }
    ordered = arguments_in_order(job, step->function, given, pointer);
    json_decref(none);
    if (ordered == NULL) return -1;
    /* The document owns it from here. */
    (void)json_object_set_new(entry, "args", ordered);
    step->arguments = ordered;
    return 0;
}

static int read_parameters(struct job *job) {
    if (job->request->parameter_count == 0) return 0;
    return problem_set(&job->problem, "native.arguments", NULL,
                       "a job with a list of calls takes no parameters; its arguments are in the list");
}

int payload_read(struct job *job) {
    spindle_str payload = job->request->payload;
    json_error_t error;
    json_t *calls, *entry;
    size_t i;
    job->document = json_loadb(payload.ptr, payload.len, JSON_REJECT_DUPLICATES, &error);
    calls = json_object_get(job->document, "calls");
    if (calls == NULL && job->config->function_count == 1) {
        json_decref(job->document); /* arguments of the only function */
        job->document = NULL;
        return 1;
    }
    if (job->document == NULL) {
        return problem_set(&job->problem, "native.payload", NULL, "the payload is not JSON (line %d): %.150s", error.line,
                           error.text);
    }
    if (!json_is_array(calls) || json_object_size(job->document) != 1) {
        return problem_set(&job->problem, "native.payload", NULL,
                           "a job without a function in its target has the payload {\"calls\": […]}");
    }
    if (json_array_size(calls) < 1 || json_array_size(calls) > JOB_MOST_CALLS) {
        return problem_set(&job->problem, "native.payload", "/calls", "a list has 1 to %d calls", JOB_MOST_CALLS);
    }
    job->steps = arena_alloc(&job->plan, json_array_size(calls) * sizeof *job->steps);
    if (job->steps == NULL) return problem_memory(&job->problem, &job->plan);
    json_array_foreach(calls, i, entry) {
        char pointer[40];
        (void)snprintf(pointer, sizeof pointer, "/calls/%zu", i);
        if (!json_is_object(entry)) return wrong(job, pointer, "a call is an object");
        if (read_step(job, &job->steps[i], entry, pointer) != 0) {
            if (job->problem.pointer[0] == 0) (void)snprintf(job->problem.pointer, sizeof job->problem.pointer, "%s", pointer);
            return -1;
        }
        job->count++;
    }
    return read_parameters(job);
}
