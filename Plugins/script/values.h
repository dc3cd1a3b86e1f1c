/* Single values of the configuration, checked. Each function leaves its target alone if the key was not given. */
#ifndef SCRIPT_VALUES_H
#define SCRIPT_VALUES_H

#include "config.h"

#define CONFIG_ERROR "script.config"

struct reading {
    struct config *config;
    const json_t *object;
    struct problem *problem;
};

const json_t *value_of(const struct reading *reading, const char *key);

/* Names the key and what it must be. Returns -1. */
int value_refuse(const struct reading *reading, const char *key, const char *allowed);

int read_integer(const struct reading *reading, const char *key, int64_t least, int64_t most, int64_t *number);
int read_bool(const struct reading *reading, const char *key, bool *flag);
int read_directory(const struct reading *reading, const char *key, const char **directory);
bool is_absolute(const json_t *value);

spindle_str json_text(const json_t *string);
const char *json_kind(const json_t *value); /* "a string", "an array" … for messages */

#endif
