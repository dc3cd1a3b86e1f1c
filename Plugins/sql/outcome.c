/* Tells the host how an attempt ended. */
#include <stdio.h>

#include "run.h"

#define MOST_FIELDS 12

struct fields {
    spindle_kv kv[MOST_FIELDS];
    size_t count;
    char numbers[MOST_FIELDS][24];
};

static void add_text(struct fields *fields, const char *key, const char *value) {
    fields->kv[fields->count++] = (spindle_kv){ spindle_str_from_cstr(key), spindle_str_from_cstr(value) };
}

static void add_number(struct fields *fields, const char *key, int64_t value) {
    char *text = fields->numbers[fields->count];
    (void)snprintf(text, sizeof fields->numbers[0], "%lld", (long long)value);
    add_text(fields, key, text);
}

static void add_all(struct fields *fields, const struct run *run) {
    if (run->pool == NULL || run->operation == NULL) return;
    add_text(fields, "connection", run->pool->settings->name);
    add_text(fields, "system", system_names[run->pool->settings->system]);
    add_text(fields, "statement", run->operation->name);
    add_number(fields, "waitMs", run->wait_ms);
    add_number(fields, "executeMs", run->execute_ms);
    if (run->uncertain) add_text(fields, "mayHaveCommitted", "true");
    if (!run->done) return;
    add_number(fields, "resultSets", (int64_t)run->result_sets);
    add_number(fields, "rows", run->rows);
    add_number(fields, "rowCount", run->row_count);
    if (run->artefacts.length > 0) add_text(fields, "artefacts", run->artefacts.data);
}

static void tell(struct run *run, int32_t outcome, spindle_str output, const char *content_type) {
    struct fields fields = { .count = 0 };
    spindle_error error;
    spindle_result result;
    add_all(&fields, run);
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    error.outcome = outcome;
    error.code = spindle_str_from_cstr(run->problem.code);
    error.message = spindle_str_from_cstr(run->problem.message);
    error.pointer = spindle_str_from_cstr(run->problem.pointer);
    error.details = spindle_str_from_cstr(run->problem.details);
    memset(&result, 0, sizeof result);
    result.struct_size = (uint32_t)sizeof result;
    result.outcome = outcome;
    result.output = output;
    result.content_type = spindle_str_from_cstr(content_type);
    result.error = outcome == SPINDLE_SUCCESS ? NULL : &error;
    result.metadata = fields.kv;
    result.metadata_count = fields.count;
    result.retry_after_ms = -1;
    (void)run->request->host->complete(run->request->ctx, run->request->handle, &result);
}

const char *run_aftermath(const struct run *run) {
    if (!run->began || run->pool->settings->read_only) return "nothing was changed";
    if (!run->operation->transaction) return "what it had done by then stays";
    if (run->pool->settings->system == SYSTEM_POSTGRESQL || run->pool->settings->system == SYSTEM_SQLITE) return "the transaction was rolled back";
    return "the transaction was rolled back, but not what commits by itself there, such as DDL";
}

/* Without a transaction what was sent may be done, even if its result was not kept or it was stopped. */
static bool may_stay(const struct run *run, bool is_stopped) {
    return run->began && !run->operation->transaction && !run->pool->settings->read_only && (run->executed || is_stopped);
}

static void stopped(struct run *run) {
    int32_t reason = run_reason(run);
    if (reason == RUN_TIME_IS_UP) {
        (void)problem_set(&run->problem, "sql.timeout", NULL, "\"%s\" was stopped on the server after its time limit of %lld ms; %s",
                          run->operation->name, (long long)run->timeout_ms, run_aftermath(run));
        run->problem.outcome = SPINDLE_RETRYABLE;
        tell(run, SPINDLE_RETRYABLE, SPINDLE_STR(""), "");
        return;
    }
    (void)problem_set(&run->problem, "sql.cancelled", NULL, "\"%s\" was stopped %s; %s", run->operation->name,
                      reason == SPINDLE_CANCEL_TIMEOUT ? "because the attempt's time was up"
                      : reason == SPINDLE_CANCEL_SHUTDOWN ? "because the host stops" : "because it was cancelled", run_aftermath(run));
    tell(run, SPINDLE_CANCELLED, SPINDLE_STR(""), "");
}

void run_complete(struct run *run) {
    struct text output = { 0 };
    if (run->done && run->format == FORMAT_CSV && run->result_sets == 1 && !run->spilled) {
        tell(run, SPINDLE_SUCCESS, spindle_str_make(run->results.data, run->results.length), "text/csv; charset=utf-8");
        return;
    }
    if (!run->done) {
        if (run->operation != NULL && may_stay(run, run->problem.code[0] == 0)) run->uncertain = true;
        if (run->problem.code[0] == 0 && run_reason(run) != 0) stopped(run);
        else if (run->problem.code[0] != 0) tell(run, run->problem.outcome, SPINDLE_STR(""), "");
        else {
            (void)problem_memory(&run->problem);
            tell(run, SPINDLE_RETRYABLE, SPINDLE_STR(""), "");
        }
        return;
    }
    text_format(&output, "{\"rowCount\":%lld,\"out\":{", (long long)run->row_count);
    text_add(&output, run->outs.data, run->outs.length);
    text_put(&output, "},\"results\":[");
    text_add(&output, run->results.data, run->results.length);
    text_put(&output, "]}");
    tell(run, SPINDLE_SUCCESS, spindle_str_make(output.data, output.length), "application/json");
    text_free(&output);
}
