/* Which file is run. */
#ifndef SCRIPT_PROGRAM_H
#define SCRIPT_PROGRAM_H

#include "config.h"

/* An interpreter that may run the text of a script given with the job. */
struct shell {
    const char *name;
    const char *options[6]; /* what stands before the text; ends with NULL */
    const char *before_arguments; /* what stands between text and arguments; NULL = nothing */
    bool takes_arguments;
};

extern const struct shell shell_table[];
extern const char *const shell_names[];
extern const size_t shell_count;

/* "bash, sh, …" of those in the bit set. */
void shell_list(uint32_t shells, struct text *text);

/* Finds a program: an absolute path, or a bare name in the configured path. NULL: `problem` says why. */
const char *program_find(const struct config *config, struct arena *arena, spindle_str name, struct problem *problem);

/* Is this resolved program on the operator's list? */
bool program_allowed(const struct config *config, const char *program);

#endif
