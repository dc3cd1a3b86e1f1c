/* What one attempt runs, worked out from its request before anything is started. */
#ifndef SCRIPT_PLAN_H
#define SCRIPT_PLAN_H

#include "program.h"

struct plan {
    struct arena arena;
    const char *program;           /* absolute */
    char **arguments;              /* argv */
    char **environment;            /* envp; see plan_environment */
    spindle_str input;             /* for stdin: the request's memory */
    const char *working_directory; /* NULL: the private directory */
    bool directory_from_job;       /* a wrong one is the job's fault, not the machine's */
    spindle_str content_type;
    size_t max_output;
    struct limits limits;
    struct codes codes;
    bool has_body;                 /* the job brought the text of a script: a file in the private directory */
    spindle_str body;              /* the request's memory */
    const char *body_suffix;       /* of the file's name, such as ".py" */
    size_t body_argument;          /* where its path belongs in `arguments` */
    const spindle_kv **variables;  /* parameters that go into the environment */
    size_t variable_count;
    struct secret_file *secrets;   /* what parameters and `env` refer to; see plan_secrets */
    size_t secret_count;
};

/* A secret in memory that the program inherits. */
struct secret_file {
    spindle_str name;
    spindle_str value; /* the host's; valid until release */
    int fd;
};

/* -1: `problem` says why, with a pointer into the parameters. arena_free(&plan->arena) in every case. */
int plan_make(struct plan *plan, const struct config *config, const spindle_request *request, struct problem *problem);

/* Where the program finds what was made for it. */
struct places {
    const char *home;      /* the private directory */
    const char *artefacts; /* NULL: none are taken */
    int report;            /* its end of the pipe for reports */
};

/* The environment from scratch. */
int plan_environment(struct plan *plan, const struct config *config, const spindle_request *request,
                     const struct places *places, struct problem *problem);

/* Opens a file in memory for each secret that is referred to. -1: `problem` says why. secrets_close in every case. */
int plan_secrets(struct plan *plan, const struct config *config, const spindle_request *request, struct problem *problem);
void secrets_close(struct plan *plan);

/* Linux takes no single argument or variable longer than this (32 pages with the NUL). */
#define PLAN_MAX_STRING ((size_t)131071)

#endif
