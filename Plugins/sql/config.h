/* What an operator configures: connections, and what jobs may run on them. */
#ifndef SQL_CONFIG_H
#define SQL_CONFIG_H

#include <jansson.h>

#include "text.h"
#include "types.h"

enum direction { DIRECTION_IN, DIRECTION_OUT, DIRECTION_INOUT, DIRECTION_COUNT };
enum format { FORMAT_JSON, FORMAT_CSV, FORMAT_NONE, FORMAT_COUNT };
extern const char *const format_names[FORMAT_COUNT];

struct parameter {
    const char *name;
    enum value_type type;
    enum direction direction;
    bool required;
    const json_t *fallback; /* NULL: none */
    size_t max_bytes;       /* of a value that comes out */
};

enum operation_kind { OPERATION_STATEMENT, OPERATION_PROCEDURE, OPERATION_FUNCTION };

/* A statement or a routine, under the name that targets have. */
struct operation {
    const char *name;
    enum operation_kind kind;
    char *sql;             /* of a statement, with ? */
    size_t *markers;       /* which parameter stands at each ? */
    size_t marker_count;
    const char *routine;
    const char *returns;   /* of a function: the name of its type; NULL: it gives rows or OUT parameters */
    struct parameter *parameters;
    size_t parameter_count;
    const json_t *connections; /* names; NULL: any */
    enum format format;
    int64_t row_limit, max_rows;
    int64_t timeout_ms;    /* -1: none */
    enum isolation isolation;
    bool transaction;
    bool changes_by_with;  /* its text begins with WITH and has a word in it that changes rows */
};

struct connection_settings {
    const char *name;
    enum database_system system;
    const json_t *json;
    size_t pool;
    int64_t connect_timeout_ms, idle_timeout_ms, idle_check_ms;
    const char *check;     /* SQL */
    enum isolation isolation;
    bool read_only;
};

struct config {
    json_t *root;
    struct connection_settings *connections;
    size_t connection_count;
    struct operation *operations;
    size_t operation_count;
    int64_t max_artefact_bytes;
};

/* False: `problem` says why, with a pointer into the configuration. config_free in every case. */
bool config_read(struct config *config, spindle_str text, struct problem *problem);
void config_free(struct config *config);

/* Reads what `key` of the configuration has into the operations. */
bool operations_read(struct config *config, const char *key, struct problem *problem);
void operation_free(struct operation *operation);

/* A member that is a whole number within bounds; left as it is when it is missing. */
bool config_integer(const json_t *object, const char *key, int64_t least, int64_t most, int64_t *number, const char *pointer,
                    struct problem *problem);
bool config_isolation(const json_t *object, enum isolation *isolation, const char *pointer, struct problem *problem);

extern const char config_schema[];
extern const char parameters_schema[];

#endif
