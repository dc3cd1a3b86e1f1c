#include "results.h"

#include <stdio.h>
#include <stdlib.h>

#include "cell.h"

struct column {
    char name[256];
    enum column_kind kind;
};

static bool columns_read(struct run *run, struct column *columns, SQLSMALLINT count) {
    SQLSMALLINT i, type, length, digits, nullable;
    for (i = 0; i < count; i++) {
        SQLULEN size;
        char type_name[64] = "";
        int suffix = 2;
        SQLSMALLINT j = 0;
        char base[240];
        if (!SQL_SUCCEEDED(SQLDescribeCol(run->statement, (SQLUSMALLINT)(i + 1), (SQLCHAR *)base, sizeof base, &length, &type, &size,
                                          &digits, &nullable))) {
            return run_statement_failed(run, "describe the columns of");
        }
        (void)SQLColAttribute(run->statement, (SQLUSMALLINT)(i + 1), SQL_DESC_TYPE_NAME, type_name, sizeof type_name, &length, NULL);
        columns[i].kind = column_kind(run->connection->system, type, type_name);
        (void)snprintf(columns[i].name, sizeof columns[i].name, "%s", base);
        /* An object has each name once. */
        while (j < i) {
            if (strcmp(columns[j++].name, columns[i].name) != 0) continue;
            (void)snprintf(columns[i].name, sizeof columns[i].name, "%s_%d", base, suffix++);
            j = 0;
        }
    }
    return true;
}

static void put_name(struct writer *writer, const char *name) {
    writer_raw(writer, "\"", 1);
    writer_quoted(writer, name, strlen(name));
    writer_quoted_end(writer);
    writer_raw(writer, writer->csv ? "\"" : "\":", writer->csv ? 1 : 2);
}

static bool row_write(struct run *run, struct writer *writer, const struct column *columns, SQLSMALLINT count) {
    SQLSMALLINT i;
    if (!writer->csv) writer_raw(writer, writer->sink->rows > 1 ? ",\n{" : "{", writer->sink->rows > 1 ? 3 : 1);
    for (i = 0; i < count; i++) {
        if (i > 0) writer_raw(writer, ",", 1);
        if (!writer->csv) put_name(writer, columns[i].name);
        if (!cell_write(writer, run->statement, (SQLUSMALLINT)(i + 1), columns[i].kind)) {
            return run_statement_failed(run, "read a value of");
        }
    }
    writer_raw(writer, writer->csv ? "\r\n" : "}", writer->csv ? 2 : 1);
    return !writer->sink->failed;
}

static void begin(struct writer *writer, const struct column *columns, SQLSMALLINT count) {
    SQLSMALLINT i;
    if (!writer->csv) {
        writer_raw(writer, "[", 1);
        return;
    }
    for (i = 0; i < count; i++) {
        if (i > 0) writer_raw(writer, ",", 1);
        put_name(writer, columns[i].name);
    }
    writer_raw(writer, "\r\n", 2);
}

static bool rows_read(struct run *run, struct sink *sink, const struct column *columns, SQLSMALLINT count) {
    struct writer writer = { .sink = sink, .csv = run->format == FORMAT_CSV };
    begin(&writer, columns, count);
    for (;;) {
        SQLRETURN status = SQLFetch(run->statement);
        if (status == SQL_NO_DATA) break;
        if (!SQL_SUCCEEDED(status)) return run_statement_failed(run, "fetch rows of");
        if (run_reason(run) != 0) return false;
        sink_row(sink);
        if (run->format != FORMAT_NONE && !row_write(run, &writer, columns, count)) return false;
        if (sink->failed) return false;
    }
    if (!writer.csv) writer_raw(&writer, "]", 1);
    return !sink->failed;
}

static bool set_read(struct run *run, const struct column *columns, SQLSMALLINT count) {
    struct sink sink;
    bool good;
    sink_open(&sink, run);
    good = !sink.failed && rows_read(run, &sink, columns, count);
    if (!good) sink.failed = true;
    sink_close(&sink);
    return good && !sink.failed;
}

static bool outs_fit(struct run *run) {
    return run->outs.length <= MOST_OUTS ||
           problem_set(&run->problem, "sql.result.too_large", NULL, "what comes out of the parameters of \"%s\" has more than %d bytes; %s",
                       run->operation->name, MOST_OUTS, run_aftermath(run));
}

static void out_begin(struct run *run, size_t index, enum value_type *type, struct writer *writer) {
    const char *name = plan_out_name(run->operation, index, type);
    text_format(&run->outs, "%s\"%s\":", run->outs.length > 0 ? "," : "", name);
    *writer = (struct writer){ .text = &run->outs };
}

/* The first row has what comes out, in the order of the parameters. */
static bool outs_from_row(struct run *run, const struct column *columns, SQLSMALLINT count) {
    struct writer writer;
    enum value_type type;
    SQLRETURN status;
    size_t i;
    if ((size_t)count != run->plan.out_count) {
        return problem_set(&run->problem, "sql.statement", NULL, "\"%s\" gives %d values, but %zu are declared to come out of it",
                           run->operation->name, count, run->plan.out_count);
    }
    status = SQLFetch(run->statement);
    if (!SQL_SUCCEEDED(status) && status != SQL_NO_DATA) return run_statement_failed(run, "fetch the values that come out of");
    for (i = 0; i < run->plan.out_count; i++) {
        out_begin(run, i, &type, &writer);
        if (status == SQL_NO_DATA) writer_null(&writer);
        else if (!cell_write(&writer, run->statement, (SQLUSMALLINT)(i + 1), columns[i].kind)) {
            return run_statement_failed(run, "read a value that comes out of");
        }
        if (!outs_fit(run)) return false;
    }
    return true;
}

static bool outs_from_bindings(struct run *run) {
    struct writer writer;
    enum value_type type;
    size_t i, index = 0;
    for (i = 0; i < run->plan.binding_count; i++) {
        const struct binding *b = &run->plan.bindings[i];
        if (!b->out) continue;
        out_begin(run, index++, &type, &writer);
        if (b->indicator >= (SQLLEN)b->size) {
            return problem_set(&run->problem, "sql.result.too_large", NULL, "a value that comes out of \"%s\" has %lld bytes, its "
                                                                           "parameter's maxBytes allows fewer; %s",
                               run->operation->name, (long long)b->indicator, run_aftermath(run));
        }
        if (b->indicator == SQL_NULL_DATA) writer_null(&writer);
        else writer_value(&writer, column_kind_of_type(type), b->buffer, b->indicator < 0 ? strlen(b->buffer) : (size_t)b->indicator);
        if (!outs_fit(run)) return false;
    }
    return true;
}

/* MariaDB gives what comes out as a set, which is read for it, because its driver binds NULL as empty text. It is known by what the
 * driver has bound by then. */
static bool outs_have_come(const struct run *run) {
    size_t i;
    for (i = 0; i < run->plan.binding_count; i++) {
        const struct binding *b = &run->plan.bindings[i];
        if (b->out && b->indicator != SQL_NTS && (b->indicator != SQL_NULL_DATA || !b->began_null)) return true;
    }
    return false;
}

/* They began as NULL and are NULL: then only the names tell. */
static bool outs_are(const struct run *run, const struct column *columns, SQLSMALLINT count) {
    enum value_type type;
    size_t i;
    for (i = 0; i < run->plan.binding_count; i++) {
        if (run->plan.bindings[i].out && !run->plan.bindings[i].began_null) return false;
    }
    for (i = 0; i < run->plan.out_count && i < (size_t)count; i++) {
        const char *name = plan_out_name(run->operation, i, &type);
        if (!str_is_nocase(spindle_str_from_cstr(name), columns[i].name)) return false;
    }
    return (size_t)count == run->plan.out_count;
}

static bool one_result(struct run *run, SQLSMALLINT count) {
    bool mariadb_outs = run->connection->system == SYSTEM_MARIADB && run->plan.outs == OUT_BOUND;
    struct column *columns;
    bool good;
    if (count <= 0) {
        SQLLEN changed = -1;
        if (SQL_SUCCEEDED(SQLRowCount(run->statement, &changed)) && changed > 0) run->row_count += changed;
        return true;
    }
    columns = calloc((size_t)count, sizeof *columns);
    if (columns == NULL) return problem_memory(&run->problem);
    good = columns_read(run, columns, count);
    if (good && run->outs.length == 0 &&
        (run->plan.outs == OUT_ROW || (mariadb_outs && (outs_have_come(run) || outs_are(run, columns, count))))) {
        good = outs_from_row(run, columns, count);
    } else if (good) {
        good = set_read(run, columns, count);
    }
    free(columns);
    return good;
}

bool results_read(struct run *run) {
    for (;;) {
        SQLSMALLINT count = 0;
        SQLRETURN status;
        if (!SQL_SUCCEEDED(SQLNumResultCols(run->statement, &count))) return run_statement_failed(run, "read the result of");
        if (!one_result(run, count)) return false;
        status = SQLMoreResults(run->statement);
        if (status == SQL_NO_DATA) break;
        if (!SQL_SUCCEEDED(status)) return run_statement_failed(run, "read the next result of");
        if (run_reason(run) != 0) return false;
    }
    if (run->plan.outs == OUT_BOUND && run->outs.length == 0 && !outs_from_bindings(run)) return false;
    return run->outs.lost || run->results.lost ? problem_memory(&run->problem) : true;
}
