#include "diagnostics.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_RECORDS 10

struct record {
    char state[6];
    long native;
    char message[2048];
};

/* One line: drivers put line ends and blanks into their messages. A character that the buffer cut is left out. */
static void tidy(char *message) {
    char *to = message;
    const char *from;
    size_t trail = 0;
    for (from = message; *from != 0; from++) {
        bool blank = (unsigned char)*from <= ' ';
        if (blank && (to == message || to[-1] == ' ')) continue;
        *to++ = blank ? ' ' : *from;
    }
    while (to > message && to[-1] == ' ') to--;
    while (trail < 3 && to - trail > message && (to[-1 - (long)trail] & 0xC0) == 0x80) trail++;
    if (to - trail > message) {
        unsigned char lead = (unsigned char)to[-1 - (long)trail];
        size_t wanted = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
        if (trail < wanted) to -= trail + 1;
    }
    *to = 0;
}

static bool record_read(SQLSMALLINT type, SQLHANDLE handle, SQLSMALLINT index, struct record *record) {
    SQLINTEGER native = 0;
    SQLSMALLINT length = 0;
    SQLCHAR state[6] = "";
    record->message[0] = 0;
    if (!SQL_SUCCEEDED(SQLGetDiagRec(type, handle, index, state, &native, (SQLCHAR *)record->message, sizeof record->message,
                                     &length))) {
        return false;
    }
    (void)snprintf(record->state, sizeof record->state, "%.5s", (const char *)state);
    record->native = native;
    tidy(record->message);
    return true;
}

static void details_add(json_t *list, const struct record *record) {
    json_t *message = json_string(record->message);
    if (message == NULL) message = json_string("(not UTF-8)");
    (void)json_array_append_new(list, json_pack("{s:s, s:I, s:o}", "sqlstate", record->state, "native", (json_int_t)record->native,
                                                "message", message));
}

void problem_from_handle(struct problem *problem, enum database_system system, enum phase phase, SQLSMALLINT type,
                         SQLHANDLE handle, const char *what) {
    struct record first = { .state = "HY000", .message = "the driver gave no reason" }, record;
    json_t *list = json_array(), *details;
    struct verdict verdict;
    bool found = false;
    SQLSMALLINT i;
    for (i = 1; i <= MOST_RECORDS && record_read(type, handle, i, &record); i++) {
        details_add(list, &record);
        /* Warnings stand before the error at times; "Can't open lib" is itself a warning. */
        if (!found) first = record;
        if (strncmp(record.state, "01", 2) != 0) found = true;
    }
    verdict = verdict_of(system, phase, first.state, first.native, first.message);
    (void)problem_set(problem, verdict.code, NULL, "%s: %s [SQLSTATE %s]", what, first.message, first.state);
    problem->outcome = verdict.outcome;
    details = json_pack("{s:s, s:I, s:o}", "sqlstate", first.state, "native", (json_int_t)first.native, "records", list);
    problem->details = details == NULL ? NULL : json_dumps(details, JSON_COMPACT);
    json_decref(details);
}

void notices_read(SQLHSTMT statement, void (*take)(void *context, const char *sqlstate, const char *message), void *context) {
    struct record record;
    SQLSMALLINT i;
    for (i = 1; i <= MOST_RECORDS && record_read(SQL_HANDLE_STMT, statement, i, &record); i++) {
        take(context, record.state, record.message);
    }
}
