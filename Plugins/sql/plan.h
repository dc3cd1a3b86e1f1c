/* The text of a statement for one system, and what is bound to each ? in it. */
#ifndef SQL_PLAN_H
#define SQL_PLAN_H

#include "arguments.h"
#include "connection.h"

#define PLAN_RETURN ((size_t)-1) /* the return value, in place of a parameter's index */

struct binding {
    size_t parameter;
    bool out;        /* the driver writes the value into `buffer`, as text or bytes */
    char *buffer;
    size_t size;
    SQLLEN indicator;
    bool began_null;
    unsigned char bit;
};

enum out_place { OUT_NOWHERE, OUT_BOUND, OUT_ROW };

struct plan {
    struct text sql;
    struct binding *bindings;
    size_t binding_count;
    enum out_place outs; /* where values come out */
    size_t out_count;
};

bool plan_make(struct plan *plan, const struct operation *operation, const struct connection *connection, struct problem *problem);
bool plan_bind(struct plan *plan, const struct operation *operation, struct arguments *arguments, SQLHSTMT statement,
               const struct connection *connection, struct problem *problem);
void plan_free(struct plan *plan);

/* The n-th value that comes out: its name and type. */
const char *plan_out_name(const struct operation *operation, size_t index, enum value_type *type);

#endif
