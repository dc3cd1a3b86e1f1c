#include "planning.h"

#include <stdarg.h>
#include <string.h>

static const char *const names[NAME_COUNT] = {
    "args", "Shell", "Script", "ScriptFrom", "WorkingDirectory", "SuccessCodes",
    "RetryableCodes", "PermanentCodes", "MaxOutputBytes", "OutputContentType",
    "MaxCpuSeconds", "MaxMemoryBytes", "MaxFileBytes", "MaxOpenFiles", "MaxProcesses",
};

/* The pointer needs no escaping: a parameter's name has no '~' and no '/'. */
int plan_refuse(const struct planning *p, const spindle_kv *parameter, const char *format, ...) {
    char message[600], pointer[SPINDLE_MAX_NAME_BYTES] = "";
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (parameter != NULL) {
        (void)snprintf(pointer, sizeof pointer, "/%.*s", shown(parameter->key.len), parameter->key.ptr);
    }
    return problem_set(p->problem, PARAMETERS_ERROR, pointer, "%s", message);
}

/* The number in Arg0, Arg1, …; -1 = another name, -2 = such a name with a number that is none. */
static long argument_number(spindle_str key) {
    long number = 0;
    size_t i;
    if (key.len < 4 || !str_is_ignoring_case(spindle_str_make(key.ptr, 3), "arg")) return -1;
    for (i = 3; i < key.len; i++) {
        if (key.ptr[i] < '0' || key.ptr[i] > '9') return -1;
    }
    if (key.len > 7 || (key.ptr[3] == '0' && key.len > 4)) return -2;
    for (i = 3; i < key.len; i++) number = number * 10 + (key.ptr[i] - '0');
    return number;
}

static int sort_parameters(struct planning *p) {
    const spindle_request *request = p->request;
    size_t count = request->parameter_count, i, j;
    p->numbered = arena_alloc(&p->plan->arena, (count + 1) * sizeof *p->numbered);
    p->plan->variables = arena_alloc(&p->plan->arena, (count + 1) * sizeof *p->plan->variables);
    if (p->numbered == NULL || p->plan->variables == NULL) return problem_memory(p->problem);
    for (i = 0; i < count; i++) {
        const spindle_kv *parameter = &request->parameters[i];
        long number = argument_number(parameter->key);
        if (str_holds_nul(parameter->value)) return plan_refuse(p, parameter, "the value holds a NUL");
        if (number == -2) {
            return plan_refuse(p, parameter, "arguments are numbered Arg0, Arg1, … without leading zeros");
        }
        if (number >= 0) {
            if ((size_t)number >= count) {
                return plan_refuse(p, parameter, "arguments must be numbered from Arg0 without a gap");
            }
            if (p->numbered[number] != NULL) return plan_refuse(p, parameter, "the argument is given twice");
            p->numbered[number] = parameter;
            p->numbered_count++;
            continue;
        }
        for (j = 0; j < NAME_COUNT && !str_is_ignoring_case(parameter->key, names[j]); j++) continue;
        if (j == NAME_COUNT) {
            p->plan->variables[p->plan->variable_count++] = parameter;
        } else if (p->given[j] != NULL) {
            return plan_refuse(p, parameter, "\"%s\" is given twice; the case of its letters does not matter", names[j]);
        } else {
            p->given[j] = parameter;
        }
    }
    for (i = 0; i < p->numbered_count; i++) {
        if (p->numbered[i] == NULL) {
            return plan_refuse(p, NULL, "Arg%zu is missing; arguments must be numbered from Arg0 without a gap", i);
        }
    }
    if (p->numbered_count > 0 && p->given[NAME_ARGS] != NULL) {
        return plan_refuse(p, p->given[NAME_ARGS], "give either args or Arg0, Arg1, …, not both");
    }
    return 0;
}

/* A whole number of a parameter; above `most` it is refused, because a job may only ask for less. */
static int read_number(const struct planning *p, const spindle_kv *parameter, int64_t least, int64_t most, int64_t *number) {
    int64_t value = 0;
    size_t i;
    if (parameter == NULL) return 0;
    for (i = 0; i < parameter->value.len && i < 17 && parameter->value.ptr[i] >= '0' && parameter->value.ptr[i] <= '9'; i++) {
        value = value * 10 + (parameter->value.ptr[i] - '0');
    }
    if (i == 0 || i != parameter->value.len || value < least || value > most) {
        return plan_refuse(p, parameter, "%.*s must be a whole number from %lld to %lld", (int)parameter->key.len,
                           parameter->key.ptr, (long long)least, (long long)most);
    }
    *number = value;
    return 0;
}

static int read_limits(struct planning *p) {
    const spindle_kv *type = p->given[NAME_OUTPUT_CONTENT_TYPE];
    const spindle_kv *directory = p->given[NAME_WORKING_DIRECTORY];
    struct code_set sets[SET_COUNT];
    static const char *const pointers[SET_COUNT] = { "/SuccessCodes", "/RetryableCodes", "/PermanentCodes" };
    int64_t max_output = (int64_t)p->config->max_output;
    size_t i;
    if (read_number(p, p->given[NAME_MAX_OUTPUT_BYTES], 0, max_output, &max_output) != 0) return -1;
    p->plan->max_output = (size_t)max_output;
    p->plan->limits = p->config->limits;
    for (i = 0; i < LIMIT_COUNT; i++) {
        int64_t *limit = &p->plan->limits.value[i];
        int64_t most = *limit < 0 ? limit_forms[i].most : *limit;
        if (read_number(p, p->given[NAME_FIRST_LIMIT + i], limit_forms[i].least, most, limit) != 0) return -1;
    }
    p->plan->content_type = type == NULL || type->value.len == 0 ? SPINDLE_STR("text/plain") : type->value;
    if (p->plan->content_type.len > SPINDLE_MAX_NAME_BYTES) {
        return plan_refuse(p, type, "OutputContentType is over %d bytes", SPINDLE_MAX_NAME_BYTES);
    }
    p->plan->working_directory = p->config->working_directory;
    if (directory != NULL) {
        if (directory->value.len == 0 || directory->value.len > 4000 || directory->value.ptr[0] != '/') {
            return plan_refuse(p, directory, "WorkingDirectory must be an absolute path");
        }
        p->plan->working_directory = arena_copy(&p->plan->arena, directory->value.ptr, directory->value.len);
        if (p->plan->working_directory == NULL) return problem_memory(p->problem);
        p->plan->directory_from_job = true;
    }
    p->plan->codes = p->config->codes;
    memset(sets, 0, sizeof sets);
    for (i = 0; i < SET_COUNT; i++) {
        const spindle_kv *set = p->given[NAME_SUCCESS_CODES + i];
        if (set != NULL) sets[i] = (struct code_set){ true, set->value, pointers[i] };
    }
    return codes_apply(&p->plan->codes, sets, PARAMETERS_ERROR, p->problem);
}

int plan_make(struct plan *plan, const struct config *config, const spindle_request *request, struct problem *problem) {
    struct planning p = { .plan = plan, .config = config, .request = request, .problem = problem };
    p.target = request->target;
    if (p.target.len >= 7 && memcmp(p.target.ptr, "script:", 7) == 0) {
        p.target.ptr += 7;
        p.target.len -= 7;
    }
    plan->input = request->payload;
    if (sort_parameters(&p) != 0 || plan_program(&p) != 0 || plan_arguments(&p) != 0 ||
        read_limits(&p) != 0) {
        return -1;
    }
    return 0;
}
