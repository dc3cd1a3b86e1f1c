/* Shared by plan.c, interpreter.c and arguments.c while they work. */
#ifndef SCRIPT_PLANNING_H
#define SCRIPT_PLANNING_H

#include "plan.h"

#define PARAMETERS_ERROR "script.parameters"

enum name {
    NAME_ARGS, NAME_SHELL, NAME_SCRIPT, NAME_SCRIPT_FROM, NAME_WORKING_DIRECTORY, NAME_SUCCESS_CODES,
    NAME_RETRYABLE_CODES, NAME_PERMANENT_CODES, NAME_MAX_OUTPUT_BYTES, NAME_OUTPUT_CONTENT_TYPE,
    NAME_FIRST_LIMIT, /* in the order of limit_forms */
    NAME_COUNT = NAME_FIRST_LIMIT + LIMIT_COUNT
};

struct planning {
    struct plan *plan;
    const struct config *config;
    const spindle_request *request;
    struct problem *problem;
    const spindle_kv *given[NAME_COUNT];
    const spindle_kv **numbered; /* Arg0, Arg1, … */
    size_t numbered_count;
    const struct shell *shell; /* NULL: the program itself is run */
    spindle_str target;
    const char *file;          /* with a shell: the file that it runs; NULL = the text in plan->body */
    char **shebang;            /* the words after the interpreter in the first line of the text, instead of the shell's own */
    size_t shebang_count;
};

/* Names the parameter, which may be NULL. Returns -1. */
__attribute__((format(printf, 3, 4))) int plan_refuse(const struct planning *p, const spindle_kv *parameter,
                                                      const char *format, ...);

/* Works out plan->program: what the target says, or the interpreter of a text or a file. */
int plan_program(struct planning *p);

int plan_arguments(struct planning *p);

#endif
