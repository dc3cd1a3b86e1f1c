/* Shared by plan.c and arguments.c while they work. */
#ifndef SCRIPT_PLANNING_H
#define SCRIPT_PLANNING_H

#include "plan.h"

#define PARAMETERS_ERROR "script.parameters"

enum name {
    NAME_ARGS, NAME_SHELL, NAME_SCRIPT, NAME_SCRIPT_FROM, NAME_WORKING_DIRECTORY, NAME_SUCCESS_CODES,
    NAME_RETRYABLE_CODES, NAME_PERMANENT_CODES, NAME_MAX_OUTPUT_BYTES, NAME_OUTPUT_CONTENT_TYPE, NAME_COUNT
};

struct planning {
    struct plan *plan;
    const struct config *config;
    const spindle_request *request;
    struct problem *problem;
    const spindle_kv *given[NAME_COUNT];
    const spindle_kv **numbered; /* Arg0, Arg1, … */
    size_t numbered_count;
    const struct shell *shell;
    spindle_str target;
};

/* Names the parameter, which may be NULL. Returns -1. */
__attribute__((format(printf, 3, 4))) int plan_refuse(const struct planning *p, const spindle_kv *parameter,
                                                      const char *format, ...);

int plan_arguments(struct planning *p);

#endif
