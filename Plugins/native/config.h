/* What an operator configures for an instance. */
#ifndef NATIVE_CONFIG_H
#define NATIVE_CONFIG_H

#include "function.h"

struct config {
    struct arena arena;
    json_t *json;               /* texts and numbers below are its */
    struct library *allowed;    /* jobs may call every function of them */
    struct library *named;      /* only the named functions are called */
    struct function *functions; /* in the order of their names */
    size_t function_count;
    size_t max_bytes;
};

/* -1: `problem` says why, with a pointer into the configuration. config_free in every case. */
int config_read(struct config *config, spindle_str text, struct problem *problem);
void config_free(struct config *config);

/* Can every library be loaded, and is every named function there? */
int config_check(struct config *config, struct problem *problem);

/* function_config.c: one entry of `functions`. */
struct function *config_function(struct config *config, const char *name, json_t *entry, struct problem *problem);
struct library *config_library(struct config *config, struct library **list, const char *name, struct problem *problem);

extern const char config_schema[];
extern const char parameters_schema[];
extern const char output_schema[];

#endif
