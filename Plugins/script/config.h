/* What an operator configures for an instance. */
#ifndef SCRIPT_CONFIG_H
#define SCRIPT_CONFIG_H

#include "codes.h"
#include "limits.h"
#include "user.h"

#include <jansson.h>

struct variable {
    spindle_str name;
    spindle_str value;
};

struct config {
    struct arena arena;
    json_t *json;                   /* what most of the texts below are in */
    const char *path;               /* directories, with ':' between */
    const char **programs;          /* absolute paths that a job may name */
    size_t program_count;
    bool any_program;
    uint32_t shells;                /* bit i: shell_table[i] may be used */
    bool inline_texts;              /* a job may bring the text of a script */
    struct variable *env;
    size_t env_count;
    const char *working_directory;  /* NULL: a fresh one for each attempt */
    const char *temp_directory;
    size_t max_output;
    int64_t max_artefacts;          /* files; 0 = none are taken */
    int64_t max_artefact_bytes;     /* together */
    struct limits limits;
    struct user user;
    int64_t kill_grace_ms;          /* upper bound of the time between SIGTERM and SIGKILL; -1 = the host's grace alone */
    int64_t orphan_wait_ms;         /* how long processes left behind may hold stdout or stderr */
    struct codes codes;
    bool secrets_in_env;            /* a secret becomes a variable too, which more can read than its file */
};

/* -1: `problem` says why, with a pointer into the configuration. config_free in every case. */
int config_read(struct config *config, spindle_str text, struct problem *problem);
void config_free(struct config *config);

/* Are the directories and programs there? */
int config_check(const struct config *config, struct problem *problem);

extern const char config_schema[];
extern const char parameters_schema[];

#endif
