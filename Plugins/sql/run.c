#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "canceller.h"
#include "diagnostics.h"
#include "results.h"

static int64_t ms_since(int64_t began_ns) { return (now_ns() - began_ns) / 1000000; }

static void what_of(const struct run *run, char *what, size_t size, const char *doing) {
    (void)snprintf(what, size, "cannot %s \"%s\" on connection \"%s\"", doing, run->operation->name, run->pool->settings->name);
}

static bool is(const struct run *run, const char *code) { return strcmp(run->problem.code, code) == 0; }

/* A driver that lost its connection does not always say so by the SQLSTATE. */
static void look_at_connection(struct run *run) {
    if (is(run, "sql.connection") || is(run, "sql.uncertain")) {
        run->connection->broken = true;
    } else if (connection_is_dead(run->connection)) {
        run->connection->broken = true;
        (void)snprintf(run->problem.code, sizeof run->problem.code, "sql.connection");
        run->problem.outcome = SPINDLE_RETRYABLE;
    }
}

static void make_uncertain(struct run *run, const char *how) {
    char message[sizeof run->problem.message];
    (void)snprintf(message, sizeof message, "%.2500s; %s, and a retry does it again", run->problem.message, how);
    memcpy(run->problem.message, message, sizeof message);
    (void)snprintf(run->problem.code, sizeof run->problem.code, "sql.uncertain");
    run->problem.outcome = SPINDLE_RETRYABLE;
    run->uncertain = true;
}

bool run_statement_failed(struct run *run, const char *doing) {
    char what[600];
    if (run_reason(run) != 0) return false;
    what_of(run, what, sizeof what, doing);
    problem_from_handle(&run->problem, run->connection->system, PHASE_RUN, SQL_HANDLE_STMT, run->statement, what);
    look_at_connection(run);
    if (run->began && is(run, "sql.connection") && !run->operation->transaction && !run->pool->settings->read_only) {
        make_uncertain(run, "there is no transaction around it, so it may have been carried out");
    }
    return false;
}

/* The time that is left, in whole seconds and one more: what is asked for here comes only if nobody is there to stop it earlier. */
static int64_t server_seconds(const struct run *run) {
    int64_t left = -1, attempt;
    if (run->timeout_ms >= 0) left = run->timeout_ms;
    if (run->request->deadline_mono_ns >= 0) {
        attempt = (run->request->deadline_mono_ns - now_ns()) / 1000000;
        if (attempt < 0) attempt = 0;
        if (left < 0 || attempt < left) left = attempt;
    }
    return left < 0 ? 0 : (left + 999) / 1000 + 1;
}

static bool open_statement(struct run *run, int64_t seconds) {
    struct connection *c = run->connection;
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, c->dbc, &run->statement))) {
        return problem_memory(&run->problem);
    }
    run->cancel_handle = run->statement;
    /* SQLCancel of SQLite's driver interrupts the whole connection, but frees what its own handle has, which may be in use. */
    if (c->system == SYSTEM_SQLITE && !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, c->dbc, &run->cancel_handle))) {
        run->cancel_handle = SQL_NULL_HSTMT;
        return problem_memory(&run->problem);
    }
    if (seconds > 0 && (c->system == SYSTEM_POSTGRESQL || c->system == SYSTEM_OTHER)) {
        (void)SQLSetStmtAttr(run->statement, SQL_ATTR_QUERY_TIMEOUT, (SQLPOINTER)(uintptr_t)seconds, SQL_IS_UINTEGER);
    }
    return true;
}

static void close_statement(struct run *run) {
    if (run->cancel_handle != SQL_NULL_HSTMT && run->cancel_handle != run->statement) {
        (void)SQLFreeHandle(SQL_HANDLE_STMT, run->cancel_handle);
    }
    if (run->statement != SQL_NULL_HSTMT) (void)SQLFreeHandle(SQL_HANDLE_STMT, run->statement);
    run->statement = run->cancel_handle = SQL_NULL_HSTMT;
}

static void log_notice(void *context, const char *sqlstate, const char *message) {
    const struct run *run = context;
    const spindle_kv fields[] = { { SPINDLE_STR_INIT("sqlstate"), spindle_str_from_cstr(sqlstate) } };
    if (SPINDLE_OFFERS(run->request->host, log)) {
        (void)run->request->host->log(run->request->ctx, run->request->handle, SPINDLE_LOG_INFO, spindle_str_from_cstr(message),
                                      fields, 1);
    }
}

static bool execute(struct run *run) {
    SQLRETURN status;
    if (!plan_make(&run->plan, run->operation, run->connection, &run->problem)) return false;
    status = SQLPrepare(run->statement, (SQLCHAR *)run->plan.sql.data, SQL_NTS);
    if (!SQL_SUCCEEDED(status)) return run_statement_failed(run, "prepare");
    if (!plan_bind(&run->plan, run->operation, &run->arguments, run->statement, run->connection, &run->problem)) return false;
    run->began = true;
    status = SQLExecute(run->statement);
    if (status == SQL_SUCCESS_WITH_INFO) notices_read(run->statement, log_notice, run);
    /* NO_DATA: it changed nothing. */
    if (!SQL_SUCCEEDED(status) && status != SQL_NO_DATA) return run_statement_failed(run, "run");
    run->executed = true;
    return results_read(run);
}

static bool commit(struct run *run) {
    char what[600];
    if (!run->operation->transaction) return true;
    if (SQL_SUCCEEDED(SQLEndTran(SQL_HANDLE_DBC, run->connection->dbc, SQL_COMMIT))) return true;
    what_of(run, what, sizeof what, "commit");
    problem_from_handle(&run->problem, run->connection->system, PHASE_COMMIT, SQL_HANDLE_DBC, run->connection->dbc, what);
    look_at_connection(run);
    if (is(run, "sql.connection") || is(run, "sql.uncertain")) {
        make_uncertain(run, "the answer to the commit was lost, so it may have been committed");
    }
    return false;
}

/* On the run's connection. */
static void perform_on(struct run *run) {
    int64_t seconds = server_seconds(run), began = now_ns();
    bool good;
    if (!connection_prepare(run->connection, run->operation, seconds, &run->problem)) return;
    good = open_statement(run, seconds);
    if (good) {
        run->deadline_ns = run->timeout_ms < 0 ? -1 : now_ns() + run->timeout_ms * 1000000;
        canceller_watch(run);
        good = run_reason(run) == 0 && execute(run);
        canceller_forget(run);
    }
    close_statement(run);
    /* A request to stop that comes late must not meet the next statement. */
    if (run->stops > 0) run->connection->broken = true;
    /* Without a transaction it is done, whatever was asked meanwhile: to say anything else would have it done twice. */
    if (good && (!run->operation->transaction || run_reason(run) == 0)) run->done = commit(run);
    run->execute_ms = ms_since(began);
}

void run_perform(struct run *run) {
    int64_t began = now_ns();
    run->connection = pool_take(run->pool, run, &run->problem);
    run->wait_ms = ms_since(began);
    if (run->connection == NULL) {
        /* That nobody answered matters no more. */
        if (run_reason(run) != 0) problem_free(&run->problem);
        return;
    }
    if (run_reason(run) == 0) perform_on(run);
    pool_give(run->pool, run->connection);
    run->connection = NULL;
}

void run_free(struct run *run) {
    if (run == NULL) return;
    arguments_free(&run->arguments);
    plan_free(&run->plan);
    problem_free(&run->problem);
    text_free(&run->results);
    text_free(&run->outs);
    text_free(&run->artefacts);
    free(run);
}
