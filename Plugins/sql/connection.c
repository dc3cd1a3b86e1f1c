#include "connection.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "connection_string.h"
#include "diagnostics.h"

/* psqlodbc's own: as UseDeclareFetch in the connection string. */
#define PGOPT_USE_DECLAREFETCH 65539

#define AS_POINTER(number) ((SQLPOINTER)(uintptr_t)(number))

static void what_of(char *what, size_t size, const char *doing, const struct connection_settings *settings) {
    (void)snprintf(what, size, "%s connection \"%s\"", doing, settings->name);
}

bool connection_run(struct connection *connection, const char *sql, struct problem *problem) {
    SQLHSTMT statement = SQL_NULL_HSTMT;
    SQLRETURN status;
    char what[400];
    what_of(what, sizeof what, "the database refused a statement of Spindle's on", connection->settings);
    status = SQLAllocHandle(SQL_HANDLE_STMT, connection->dbc, &statement);
    if (!SQL_SUCCEEDED(status)) {
        problem_from_handle(problem, connection->system, PHASE_CONNECT, SQL_HANDLE_DBC, connection->dbc, what);
        return false;
    }
    status = SQLExecDirect(statement, (SQLCHAR *)sql, SQL_NTS);
    if (!SQL_SUCCEEDED(status) && status != SQL_NO_DATA) {
        problem_from_handle(problem, connection->system, PHASE_CONNECT, SQL_HANDLE_STMT, statement, what);
        (void)SQLFreeHandle(SQL_HANDLE_STMT, statement);
        return false;
    }
    (void)SQLFreeHandle(SQL_HANDLE_STMT, statement);
    return true;
}

/* The one value of the one row. */
static bool ask(struct connection *connection, const char *sql, char *value, size_t size, struct problem *problem) {
    SQLHSTMT statement = SQL_NULL_HSTMT;
    SQLLEN length = 0;
    char what[400];
    bool good = SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, connection->dbc, &statement)) &&
                SQL_SUCCEEDED(SQLExecDirect(statement, (SQLCHAR *)sql, SQL_NTS)) && SQL_SUCCEEDED(SQLFetch(statement)) &&
                SQL_SUCCEEDED(SQLGetData(statement, 1, SQL_C_CHAR, value, (SQLLEN)size, &length));
    if (!good) {
        what_of(what, sizeof what, "the database did not say how it calls", connection->settings);
        problem_from_handle(problem, connection->system, PHASE_CONNECT, SQL_HANDLE_STMT, statement, what);
    }
    if (statement != SQL_NULL_HSTMT) (void)SQLFreeHandle(SQL_HANDLE_STMT, statement);
    return good;
}

/* Results show times in the session's zone, so that is always UTC. */
static bool set_up(struct connection *c, struct problem *problem) {
    bool read_only = c->settings->read_only;
    switch (c->system) {
    case SYSTEM_POSTGRESQL:
        return connection_run(c, "SET TIME ZONE 'UTC'", problem) &&
               (!read_only || connection_run(c, "SET default_transaction_read_only = on", problem)) &&
               ask(c, "SELECT pg_backend_pid()", c->server_id, sizeof c->server_id, problem);
    case SYSTEM_MARIADB:
        return connection_run(c, "SET time_zone = '+00:00'", problem) &&
               (!read_only || connection_run(c, "SET SESSION TRANSACTION READ ONLY", problem)) &&
               ask(c, "SELECT CONNECTION_ID()", c->server_id, sizeof c->server_id, problem);
    case SYSTEM_SQLITE: return !read_only || connection_run(c, "PRAGMA query_only = ON", problem);
    default: return true;
    }
}

static void read_properties(struct connection *c) {
    char text[64] = "";
    SQLSMALLINT length = 0;
    if (SQL_SUCCEEDED(SQLGetInfo(c->dbc, SQL_IDENTIFIER_QUOTE_CHAR, text, sizeof text, &length)) && text[0] != 0 && text[1] == 0) {
        c->quote = text[0];
    }
    c->default_isolation = 0;
    (void)SQLGetConnectAttr(c->dbc, SQL_ATTR_TXN_ISOLATION, &c->default_isolation, sizeof c->default_isolation, NULL);
    c->isolation = c->default_isolation;
}

static bool dial(struct connection *c, const struct keeper *keeper, struct problem *problem) {
    spindle_str name, password = { NULL, 0 };
    struct text text = { 0 };
    const char *given = json_string_value(json_object_get(c->settings->json, "password"));
    size_t before;
    char what[400];
    bool good;
    if (given != NULL && (!spindle_secret_name(spindle_str_from_cstr(given), &name, &before) ||
                          !SPINDLE_OFFERS(keeper->host, secret_get) ||
                          keeper->host->secret_get(keeper->ctx, keeper->handle, name, &password) != SPINDLE_OK)) {
        return problem_set(problem, "sql.secret", NULL, "the secret of the password of connection \"%s\" is not there; list it under "
                                                        "\"secrets\" of the sidecar", c->settings->name);
    }
    good = connection_string_make(c->settings, password, &text, problem);
    if (good && !SQL_SUCCEEDED(SQLDriverConnect(c->dbc, NULL, (SQLCHAR *)text.data, (SQLSMALLINT)text.length, NULL, 0, NULL,
                                                SQL_DRIVER_NOPROMPT))) {
        what_of(what, sizeof what, "cannot open", c->settings);
        problem_from_handle(problem, c->system, PHASE_CONNECT, SQL_HANDLE_DBC, c->dbc, what);
        good = false;
    }
    text_wipe(&text);
    return good;
}

struct connection *connection_open(SQLHENV environment, const struct connection_settings *settings, const struct keeper *keeper,
                                   int64_t timeout_ms, struct problem *problem) {
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL) {
        (void)problem_memory(problem);
        return NULL;
    }
    c->settings = settings;
    c->system = settings->system;
    c->quote = ' ';
    c->autocommit = true;
    c->cursors = true;
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, environment, &c->dbc))) {
        free(c);
        (void)problem_memory(problem);
        return NULL;
    }
    (void)SQLSetConnectAttr(c->dbc, SQL_ATTR_LOGIN_TIMEOUT, AS_POINTER((timeout_ms + 999) / 1000), SQL_IS_UINTEGER);
    if (settings->read_only && c->system == SYSTEM_OTHER) {
        (void)SQLSetConnectAttr(c->dbc, SQL_ATTR_ACCESS_MODE, AS_POINTER(SQL_MODE_READ_ONLY), SQL_IS_UINTEGER);
    }
    if (!dial(c, keeper, problem)) {
        (void)SQLFreeHandle(SQL_HANDLE_DBC, c->dbc);
        free(c);
        return NULL;
    }
    read_properties(c);
    if (!set_up(c, problem)) {
        connection_close(c);
        return NULL;
    }
    return c;
}

void connection_close(struct connection *connection) {
    /* By the rules of ODBC an open transaction keeps a connection from being closed. */
    if (!connection->autocommit && !connection_is_dead(connection)) {
        (void)SQLEndTran(SQL_HANDLE_DBC, connection->dbc, SQL_ROLLBACK);
    }
    (void)SQLDisconnect(connection->dbc);
    (void)SQLFreeHandle(SQL_HANDLE_DBC, connection->dbc);
    free(connection);
}

static bool set_attribute(struct connection *c, SQLINTEGER attribute, SQLULEN value, const char *doing, struct problem *problem) {
    char what[400];
    if (SQL_SUCCEEDED(SQLSetConnectAttr(c->dbc, attribute, AS_POINTER(value), SQL_IS_UINTEGER))) return true;
    what_of(what, sizeof what, doing, c->settings);
    problem_from_handle(problem, c->system, PHASE_RUN, SQL_HANDLE_DBC, c->dbc, what);
    c->broken = true;
    return false;
}

bool connection_prepare(struct connection *c, const struct operation *operation, int64_t seconds, struct problem *problem) {
    enum isolation wanted = operation->isolation != ISOLATION_DEFAULT ? operation->isolation : c->settings->isolation;
    SQLULEN isolation = wanted == ISOLATION_DEFAULT ? c->default_isolation : isolation_value(wanted);
    bool cursors = operation->transaction && !operation->changes_by_with;
    char limits[120];
    if (isolation != 0 && isolation != c->isolation) {
        if (!set_attribute(c, SQL_ATTR_TXN_ISOLATION, isolation, "cannot set the isolation of", problem)) return false;
        c->isolation = isolation;
    }
    if (operation->transaction == c->autocommit) {
        if (!set_attribute(c, SQL_ATTR_AUTOCOMMIT, operation->transaction ? SQL_AUTOCOMMIT_OFF : SQL_AUTOCOMMIT_ON,
                           "cannot switch transactions of", problem)) {
            return false;
        }
        c->autocommit = !operation->transaction;
    }
    /* PostgreSQL has no cursors for a WITH that changes something. Without a transaction the driver makes one around its cursor, and
     * says nothing of a commit that fails when it closes it. */
    if (c->system == SYSTEM_POSTGRESQL && cursors != c->cursors && !connection_option_is_given(c->settings, "UseDeclareFetch")) {
        if (!set_attribute(c, PGOPT_USE_DECLAREFETCH, cursors, "cannot switch cursors of", problem)) return false;
        c->cursors = cursors;
    }
    /* Its driver has no SQL_ATTR_QUERY_TIMEOUT, and the server shall end what it runs also when nobody is left to ask it to. Its
     * driver keeps whole sets in memory, so the server must not send more than is wanted. */
    if (c->system == SYSTEM_MARIADB && (seconds != c->statement_seconds || operation->max_rows + 1 != c->most_rows)) {
        (void)snprintf(limits, sizeof limits, "SET max_statement_time = %lld, sql_select_limit = %lld", (long long)seconds,
                       (long long)operation->max_rows + 1);
        if (!connection_run(c, limits, problem)) {
            c->broken = true;
            return false;
        }
        c->statement_seconds = seconds;
        c->most_rows = operation->max_rows + 1;
    }
    return true;
}

bool connection_is_dead(const struct connection *connection) {
    SQLUINTEGER dead = SQL_CD_FALSE;
    return SQL_SUCCEEDED(SQLGetConnectAttr(connection->dbc, SQL_ATTR_CONNECTION_DEAD, &dead, sizeof dead, NULL)) &&
           dead == SQL_CD_TRUE;
}
