#include "plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "diagnostics.h"
#include "placeholders.h"

struct making {
    struct plan *plan;
    const struct operation *operation;
    const struct connection *connection;
};

static void add_binding(const struct making *m, size_t parameter, bool out) {
    m->plan->bindings[m->plan->binding_count++] = (struct binding){ .parameter = parameter, .out = out };
}

/* `(?, ?, …)`. What only comes out is left out, written as NULL or bound. */
static void put_parameters(const struct making *m, const char *only_out, bool bound) {
    const struct operation *o = m->operation;
    const char *between = "";
    size_t i;
    text_put(&m->plan->sql, "(");
    for (i = 0; i < o->parameter_count; i++) {
        bool goes_in = o->parameters[i].direction != DIRECTION_OUT;
        if (!goes_in && !bound && only_out == NULL) continue;
        text_put(&m->plan->sql, between);
        between = ", ";
        text_put(&m->plan->sql, goes_in || bound ? "?" : only_out);
        if (goes_in || bound) add_binding(m, i, bound && o->parameters[i].direction != DIRECTION_IN);
    }
    text_put(&m->plan->sql, ")");
}

static void put_name(const struct making *m) {
    identifier_quote(&m->plan->sql, m->operation->routine, m->connection->quote);
}

/* Its driver neither binds what comes out nor calls procedures by the escape of ODBC; the server gives it as a row. */
static void make_postgresql(const struct making *m) {
    bool function = m->operation->kind == OPERATION_FUNCTION;
    text_put(&m->plan->sql, function ? "SELECT * FROM " : "CALL ");
    put_name(m);
    put_parameters(m, function ? NULL : "NULL", false);
    if (m->plan->out_count > 0) m->plan->outs = OUT_ROW;
}

static void make_mariadb(const struct making *m) {
    bool function = m->operation->kind == OPERATION_FUNCTION;
    text_put(&m->plan->sql, function ? "SELECT " : "CALL ");
    put_name(m);
    put_parameters(m, NULL, !function);
    if (m->plan->out_count > 0) m->plan->outs = function ? OUT_ROW : OUT_BOUND;
}

static void make_by_escape(const struct making *m) {
    text_put(&m->plan->sql, m->operation->returns != NULL ? "{? = CALL " : "{CALL ");
    if (m->operation->returns != NULL) add_binding(m, PLAN_RETURN, true);
    put_name(m);
    put_parameters(m, NULL, true);
    text_put(&m->plan->sql, "}");
    if (m->plan->out_count > 0) m->plan->outs = OUT_BOUND;
}

static size_t count_outs(const struct operation *o) {
    size_t count = o->returns != NULL, i;
    for (i = 0; i < o->parameter_count; i++) count += o->parameters[i].direction != DIRECTION_IN;
    return count;
}

bool plan_make(struct plan *plan, const struct operation *operation, const struct connection *connection, struct problem *problem) {
    const struct making m = { plan, operation, connection };
    size_t i;
    plan->bindings = calloc(operation->parameter_count + operation->marker_count + 2, sizeof *plan->bindings);
    if (plan->bindings == NULL) return problem_memory(problem);
    plan->out_count = count_outs(operation);
    if (operation->kind == OPERATION_STATEMENT) {
        text_put(&plan->sql, operation->sql);
        for (i = 0; i < operation->marker_count; i++) add_binding(&m, operation->markers[i], false);
    } else if (connection->system == SYSTEM_SQLITE) {
        return problem_set(problem, "sql.target", NULL, "connection \"%s\" is one to SQLite, which has no procedures and functions to "
                                                        "call; use a statement", connection->settings->name);
    } else if (connection->system == SYSTEM_POSTGRESQL) {
        make_postgresql(&m);
    } else if (connection->system == SYSTEM_MARIADB) {
        make_mariadb(&m);
    } else {
        make_by_escape(&m);
    }
    return plan->sql.lost ? problem_memory(problem) : true;
}

const char *plan_out_name(const struct operation *operation, size_t index, enum value_type *type) {
    size_t i;
    *type = TYPE_TEXT;
    if (operation->returns != NULL) {
        *type = (enum value_type)name_find(operation->returns, type_names, TYPE_COUNT);
        if (index-- == 0) return "return";
    }
    for (i = 0; i < operation->parameter_count; i++) {
        if (operation->parameters[i].direction == DIRECTION_IN || index-- > 0) continue;
        *type = operation->parameters[i].type;
        return operation->parameters[i].name;
    }
    return "";
}

static SQLLEN length_of(enum value_type type, const struct value *value) {
    switch (type) {
    case TYPE_INTEGER: case TYPE_DOUBLE: return 8;
    case TYPE_BOOLEAN: return 1;
    default: return (SQLLEN)value->bytes.length;
    }
}

static SQLRETURN bind_in(struct binding *b, SQLUSMALLINT place, const struct parameter *p, struct value *value,
                         SQLHSTMT statement) {
    SQLULEN size = value->bytes.length > 0 ? value->bytes.length : 1;
    SQLSMALLINT type = type_sql(p->type, value->bytes.length);
    SQLLEN *indicator = &b->indicator;
    b->bit = value->integer != 0;
    b->indicator = value->null ? SQL_NULL_DATA : length_of(p->type, value);
    switch (p->type) {
    case TYPE_INTEGER:
        return SQLBindParameter(statement, place, SQL_PARAM_INPUT, SQL_C_SBIGINT, type, 19, 0, &value->integer, 8, indicator);
    case TYPE_DOUBLE:
        return SQLBindParameter(statement, place, SQL_PARAM_INPUT, SQL_C_DOUBLE, type, 15, 0, &value->number, 8, indicator);
    case TYPE_BOOLEAN:
        return SQLBindParameter(statement, place, SQL_PARAM_INPUT, SQL_C_BIT, type, 1, 0, &b->bit, 1, indicator);
    case TYPE_DECIMAL: {
        const char *point = value->bytes.data == NULL ? NULL : strchr(value->bytes.data, '.');
        SQLSMALLINT scale = point == NULL ? 0 : (SQLSMALLINT)strlen(point + 1);
        return SQLBindParameter(statement, place, SQL_PARAM_INPUT, SQL_C_CHAR, type, size, scale, value->bytes.data,
                                (SQLLEN)value->bytes.length, indicator);
    }
    default:
        return SQLBindParameter(statement, place, SQL_PARAM_INPUT, p->type == TYPE_BINARY ? SQL_C_BINARY : SQL_C_CHAR, type, size, 0,
                                value->bytes.data, (SQLLEN)value->bytes.length, indicator);
    }
}

/* What goes in by a buffer that something comes out of is text, whatever its type. */
static void fill_out(struct binding *b, enum value_type type, const struct value *value) {
    char text[64];
    const char *from = text;
    switch (type) {
    case TYPE_INTEGER: case TYPE_BOOLEAN: (void)snprintf(text, sizeof text, "%lld", (long long)value->integer); break;
    case TYPE_DOUBLE: (void)snprintf(text, sizeof text, "%.17g", value->number); break;
    default: from = value->bytes.data == NULL ? "" : value->bytes.data;
    }
    (void)snprintf(b->buffer, b->size, "%s", from);
}

static SQLRETURN bind_out(struct binding *b, SQLUSMALLINT place, const struct operation *o, const struct value *value,
                          SQLHSTMT statement) {
    const struct parameter *p = b->parameter == PLAN_RETURN ? NULL : &o->parameters[b->parameter];
    enum value_type type = p == NULL ? (enum value_type)name_find(o->returns, type_names, TYPE_COUNT) : p->type;
    size_t room = p == NULL ? 4096 : p->max_bytes;
    bool goes_in = p != NULL && p->direction == DIRECTION_INOUT;
    if (goes_in && value->bytes.length > room) room = value->bytes.length;
    b->size = (room < 64 ? 64 : room) + 1;
    b->buffer = calloc(1, b->size);
    if (b->buffer == NULL) return SQL_ERROR;
    if (goes_in) fill_out(b, type, value);
    /* A driver that has written the value has written another number here. */
    b->began_null = goes_in && value->null;
    b->indicator = b->began_null ? SQL_NULL_DATA : SQL_NTS;
    return SQLBindParameter(statement, place, goes_in ? SQL_PARAM_INPUT_OUTPUT : SQL_PARAM_OUTPUT,
                            type == TYPE_BINARY ? SQL_C_BINARY : SQL_C_CHAR, type_sql(type, room), b->size - 1, 0, b->buffer,
                            (SQLLEN)b->size, &b->indicator);
}

bool plan_bind(struct plan *plan, const struct operation *operation, struct arguments *arguments, SQLHSTMT statement,
               const struct connection *connection, struct problem *problem) {
    char what[400];
    size_t i;
    for (i = 0; i < plan->binding_count; i++) {
        struct binding *b = &plan->bindings[i];
        struct value *value = b->parameter == PLAN_RETURN ? NULL : &arguments->values[b->parameter];
        SQLRETURN status;
        if (b->out) {
            status = bind_out(b, (SQLUSMALLINT)(i + 1), operation, value, statement);
        } else {
            if (value->bytes.data == NULL) text_put(&value->bytes, "");
            status = bind_in(b, (SQLUSMALLINT)(i + 1), &operation->parameters[b->parameter], value, statement);
        }
        if (SQL_SUCCEEDED(status)) continue;
        (void)snprintf(what, sizeof what, "cannot bind parameter %zu of \"%s\" on connection \"%s\"", i + 1, operation->name,
                       connection->settings->name);
        problem_from_handle(problem, connection->system, PHASE_RUN, SQL_HANDLE_STMT, statement, what);
        return false;
    }
    return true;
}

void plan_free(struct plan *plan) {
    size_t i;
    for (i = 0; i < plan->binding_count; i++) {
        if (plan->bindings[i].buffer == NULL) continue;
        explicit_bzero(plan->bindings[i].buffer, plan->bindings[i].size);
        free(plan->bindings[i].buffer);
    }
    free(plan->bindings);
    text_free(&plan->sql);
}
