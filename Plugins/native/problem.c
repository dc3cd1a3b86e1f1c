#include "problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int problem_set(struct problem *problem, const char *code, const char *pointer, const char *format, ...) {
    va_list arguments;
    problem->outcome = SPINDLE_PERMANENT;
    (void)snprintf(problem->code, sizeof problem->code, "%s", code);
    (void)snprintf(problem->pointer, sizeof problem->pointer, "%s", pointer == NULL ? "" : pointer);
    va_start(arguments, format);
    (void)vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    return -1;
}

int problem_memory(struct problem *problem, const struct arena *arena) {
    if (arena->most > 0 && arena->used > arena->most) {
        return problem_set(problem, "native.limit", NULL,
                           "the job needs more than the %zu bytes of memory that %s", arena->most, arena->bound);
    }
    (void)problem_set(problem, "native.memory", NULL, "there is no memory left to prepare the call");
    problem->outcome = SPINDLE_RETRYABLE;
    return -1;
}

void problem_prefix(struct problem *problem, const char *context) {
    char message[sizeof problem->message];
    (void)snprintf(message, sizeof message, "%s", problem->message);
    (void)snprintf(problem->message, sizeof problem->message, "%.300s: %.1700s", context, message);
}

void pointer_add(char *pointer, size_t size, const char *token) {
    size_t at = strlen(pointer);
    if (at + 1 < size) pointer[at++] = '/';
    for (; *token != 0 && at + 2 < size; token++) {
        if (*token == '~' || *token == '/') {
            pointer[at++] = '~';
            pointer[at++] = *token == '~' ? '0' : '1';
        } else {
            pointer[at++] = *token;
        }
    }
    pointer[at] = 0;
}

bool same_ignoring_case(spindle_str text, const char *name) {
    return text.len == strlen(name) && (text.len == 0 || strncasecmp(text.ptr, name, text.len) == 0);
}
