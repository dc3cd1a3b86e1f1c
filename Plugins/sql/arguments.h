/* The values of a job for the parameters of an operation, checked against their declared types. */
#ifndef SQL_ARGUMENTS_H
#define SQL_ARGUMENTS_H

#include "config.h"

struct value {
    bool null;
    int64_t integer;   /* TYPE_INTEGER, TYPE_BOOLEAN */
    double number;     /* TYPE_DOUBLE */
    struct text bytes; /* all others: text, or what base64 stood for */
};

struct arguments {
    struct value *values; /* one for each parameter of the operation */
    size_t count;
};

/* From `Params` or the payload (JSON), and from Param_NAME. False: `problem`. arguments_free in every case. */
bool arguments_read(struct arguments *arguments, const struct config *config, const struct operation *operation,
                    const spindle_request *request, struct problem *problem);
void arguments_free(struct arguments *arguments); /* wipes: a secret may be among them */

/* One value from its text or its JSON form. False, with what is wrong in `why`. */
bool value_from_text(struct value *value, enum value_type type, spindle_str text, const char **why);
bool value_from_json(struct value *value, enum value_type type, const json_t *json, const char **why);

#endif
