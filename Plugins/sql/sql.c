/* The executor `sql`: named statements and routines on databases with an ODBC driver. Here is what the host calls. What a job
 * may ask for is in Docs/executors/sql.md. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "run.h"

static void report(const spindle_host *host, spindle_host_ctx *ctx, spindle_handle handle, const struct problem *problem) {
    spindle_error error;
    if (!SPINDLE_OFFERS(host, set_error)) return;
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    error.outcome = problem->outcome;
    error.code = spindle_str_from_cstr(problem->code);
    error.message = spindle_str_from_cstr(problem->message);
    error.pointer = spindle_str_from_cstr(problem->pointer);
    error.details = spindle_str_from_cstr(problem->details);
    (void)host->set_error(ctx, handle, &error);
}

static void sql_destroy(void *made) {
    struct instance *instance = made;
    size_t i;
    for (i = 0; i < instance->pool_count; i++) pool_destroy(&instance->pools[i]);
    free(instance->pools);
    if (instance->environment != SQL_NULL_HENV) (void)SQLFreeHandle(SQL_HANDLE_ENV, instance->environment);
    config_free(&instance->config);
    free(instance);
}

static bool open_environment(struct instance *instance, struct problem *problem) {
    if (SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &instance->environment)) &&
        SQL_SUCCEEDED(SQLSetEnvAttr(instance->environment, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0))) {
        return true;
    }
    return problem_memory(problem);
}

static bool make_pools(struct instance *instance, struct problem *problem) {
    instance->pools = calloc(instance->config.connection_count, sizeof *instance->pools);
    if (instance->pools == NULL) return problem_memory(problem);
    for (; instance->pool_count < instance->config.connection_count; instance->pool_count++) {
        if (!pool_create(&instance->pools[instance->pool_count], &instance->config.connections[instance->pool_count],
                         &instance->keeper, instance->environment)) {
            return problem_memory(problem);
        }
    }
    return true;
}

/* Connects to nothing: a database that is down must not keep the others from being used. */
static spindle_status sql_create(const spindle_instance_config *given, void **made) {
    struct instance *instance;
    struct problem problem;
    spindle_status status;
    memset(&problem, 0, sizeof problem);
    /* An attempt's state reaches cancel and release only through the host. */
    if (!SPINDLE_OFFERS(given->host, set_state)) return SPINDLE_E_UNSUPPORTED;
    instance = calloc(1, sizeof *instance);
    if (instance == NULL) return SPINDLE_E_BUSY;
    instance->keeper = (struct keeper){ given->host, given->ctx, given->handle };
    if (config_read(&instance->config, given->config, &problem) && open_environment(instance, &problem) &&
        make_pools(instance, &problem)) {
        *made = instance;
        return SPINDLE_OK;
    }
    report(given->host, given->ctx, given->handle, &problem);
    status = problem.outcome == SPINDLE_PERMANENT ? SPINDLE_E_CONFIG : SPINDLE_E_BUSY;
    problem_free(&problem);
    sql_destroy(instance);
    return status;
}

/* Each database answers. The first one that does not is named. */
static spindle_status sql_check(void *made, spindle_handle handle) {
    struct instance *instance = made;
    struct problem problem;
    size_t i;
    memset(&problem, 0, sizeof problem);
    for (i = 0; i < instance->pool_count; i++) {
        struct pool *pool = &instance->pools[i];
        struct connection *connection = pool_take(pool, NULL, &problem);
        bool good = connection != NULL && connection_run(connection, pool->settings->check, &problem);
        if (connection != NULL) {
            if (!good) connection->broken = true;
            pool_give(pool, connection);
        }
        if (good) continue;
        report(instance->keeper.host, instance->keeper.ctx, handle, &problem);
        problem_free(&problem);
        return SPINDLE_E_BUSY;
    }
    return SPINDLE_OK;
}

static int32_t sql_can_execute(const spindle_request *request) {
    return request->target.len >= 4 && strncasecmp(request->target.ptr, "sql:", 4) == 0;
}

static spindle_status sql_execute(void *made, spindle_handle attempt, const spindle_request *request) {
    struct run *run = run_make(made, request);
    int32_t reason;
    if (run == NULL) return SPINDLE_E_BUSY;
    if (request->host->set_state(request->ctx, attempt, run) != SPINDLE_OK) {
        run_free(run);
        return SPINDLE_E_INTERNAL;
    }
    if (run->problem.code[0] == 0) {
        /* A cancel that came before set_state could not find the run. */
        reason = spindle_cancel_state(request);
        if (reason > SPINDLE_CANCEL_NONE) run_ask_to_end(run, reason);
        run_perform(run);
    }
    run_complete(run);
    return SPINDLE_OK;
}

static void sql_cancel(void *made, spindle_handle attempt, void *state, int32_t reason, int64_t grace_ms) {
    struct run *run = state;
    (void)made, (void)attempt, (void)grace_ms;
    if (run == NULL) return; /* execute looks at cancel_state after it has set one */
    run_ask_to_end(run, reason);
    if (run->pool != NULL) pool_wake(run->pool);
}

static void sql_writable(void *made, spindle_handle attempt, void *state) {
    struct run *run = state;
    (void)made, (void)attempt;
    if (run == NULL || run->pool == NULL) return;
    (void)pthread_mutex_lock(&run->pool->lock);
    run->writable = true;
    (void)pthread_cond_broadcast(&run->pool->changed);
    (void)pthread_mutex_unlock(&run->pool->lock);
}

static void sql_release(void *made, spindle_handle attempt, void *state) {
    (void)made, (void)attempt;
    run_free(state);
}

static const char *const prefixes[] = { "sql:" };
/* Where databases are is known to the operator alone; SQLite's are files. */
static const char *const needs[] = { "net:*", "fs:read:*", "fs:write:*" };

static const spindle_executor_descriptor sql = {
    .struct_size = sizeof sql,
    .flags = SPINDLE_EXECUTOR_BLOCKING | SPINDLE_EXECUTOR_CONCURRENT | SPINDLE_EXECUTOR_CANCELLABLE | SPINDLE_EXECUTOR_NEEDS_ISOLATION,
    .type = "sql",
    .target_prefixes = prefixes,
    .target_prefix_count = sizeof prefixes / sizeof *prefixes,
    .name = "SQL",
    .vendor = "Spindle",
    .description = "Runs named statements and stored procedures on databases with an ODBC driver.",
    .docs_url = "Docs/executors/sql.md",
    .config_schema = config_schema,
    .parameters_schema = parameters_schema,
    .needs = needs,
    .need_count = sizeof needs / sizeof *needs,
    .create = sql_create,
    .check = sql_check,
    .can_execute = sql_can_execute,
    .execute = sql_execute,
    .cancel = sql_cancel,
    .release = sql_release,
    .destroy = sql_destroy,
    .writable = sql_writable,
};
static const spindle_executor_descriptor *const executors[] = { &sql };
static const spindle_executor_factory factory = {
    .struct_size = sizeof factory,
    .abi_minor = SPINDLE_ABI_MINOR,
    .executor_count = 1,
    .executors = executors,
    .plugin_id = "spindle.sql",
    .plugin_version = "1.0.0",
};

SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
