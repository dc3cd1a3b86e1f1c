/* Which file is run. */
#ifndef SCRIPT_PROGRAM_H
#define SCRIPT_PROGRAM_H

#include "config.h"

/* An interpreter that runs a file, or the text of a script that the job brought, by `NAME OPTIONS FILE ARGUMENTS`. */
struct shell {
    const char *name;
    const char *suffix;     /* of the file's name */
    const char *options[4]; /* end with NULL */
};

extern const struct shell shell_table[];
extern const char *const shell_names[];
extern const size_t shell_count;

/* "bash, sh, …" of those in the bit set. */
void shell_list(uint32_t shells, struct text *text);

/* Finds a program: an absolute path, or a bare name in the configured path. `mode` is X_OK for a program, R_OK for a file
 * that an interpreter reads. NULL: `problem` says why. */
const char *program_find(const struct config *config, struct arena *arena, spindle_str name, int mode,
                         struct problem *problem);

/* Is this resolved program on the operator's list? */
bool program_allowed(const struct config *config, const char *program);

#endif
