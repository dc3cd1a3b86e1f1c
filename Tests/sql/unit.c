/* Tables of the parts that need no database. */
#include <stdio.h>
#include <stdlib.h>

#include "../../Plugins/sql/arguments.h"
#include "../../Plugins/sql/base64.h"
#include "../../Plugins/sql/cell.h"
#include "../../Plugins/sql/connection_string.h"
#include "../../Plugins/sql/diagnostics.h"
#include "../../Plugins/sql/temporal.h"

static int passed, failed;

static void same(const char *what, const char *got, const char *wanted) {
    if (got == NULL) got = "";
    if (strcmp(got, wanted) == 0) {
        passed++;
        return;
    }
    failed++;
    printf("%s: got %s, not %s\n", what, got, wanted);
}

/* The writer's way into a sink; these tests write text. */
void sink_add(struct sink *sink, const char *bytes, size_t length) { (void)sink, (void)bytes, (void)length; }

static void placeholders(void) {
    static const struct { const char *text, *sql, *names; } table[] = {
        { "SELECT :a", "SELECT ?", "a " },
        { "SELECT :a, :b_2,:a", "SELECT ?, ?,?", "a b_2 a " },
        { "SELECT ?, ?", "SELECT ?, ?", "? ? " },
        { "SELECT ':a', \":b\", `:c`, :d", "SELECT ':a', \":b\", `:c`, ?", "d " },
        { "SELECT 'it''s :a' || :b", "SELECT 'it''s :a' || ?", "b " },
        { "SELECT x::int, :y::text", "SELECT x::int, ?::text", "y " },
        { "SELECT a[1:2], b[:n]", "SELECT a[1:2], b[?]", "n " },
        { "SET @x := :y", "SET @x := ?", "y " },
        { "SELECT 1 -- :a\n, :b", "SELECT 1 -- :a\n, ?", "b " },
        { "SELECT 1 -- :a", "SELECT 1 -- :a", "" },
        { "SELECT /* :a */ :b", "SELECT /* :a */ ?", "b " },
        { "SELECT $$ :a ' $$, :b", "SELECT $$ :a ' $$, ?", "b " },
        { "SELECT $t$ $$ :a $t$, :b, $1", "SELECT $t$ $$ :a $t$, ?, $1", "b " },
        { "SELECT a$b$c, :d", "SELECT a$b$c, ?", "d " },
        { "SELECT :1, : a", "SELECT :1, : a", "" },
        { "SELECT '\\'", NULL, "backslash" },
        { "SELECT 'a", NULL, "quote that does not end" },
        { "SELECT /* a", NULL, "comment that does not end" },
        { "SELECT /* /* */ */", NULL, "comment within a comment" },
        { "SELECT $x$ a", NULL, "dollar quote that does not end" },
        { "SELECT :a, ?", NULL, "mixes" },
        { "", "", "" },
    };
    static struct marker markers[MAX_MARKERS];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct text sql = { 0 }, names = { 0 };
        const char *why = "";
        size_t count = 0;
        bool good = placeholders_read(table[i].text, &sql, markers, &count, &why);
        for (size_t j = 0; good && j < count; j++) {
            text_add(&names, markers[j].name ? markers[j].name : "?", markers[j].name ? markers[j].length : 1);
            text_put(&names, " ");
        }
        same(table[i].text, good ? "good" : "refused", table[i].sql ? "good" : "refused");
        if (good) same(table[i].text, sql.data, table[i].sql), same(table[i].text, names.data, table[i].names);
        else same(table[i].text, strstr(why, table[i].names) ? "" : why, "");
        text_free(&sql), text_free(&names);
    }
}

static void identifiers(void) {
    static const char *const good[] = { "a", "_a", "a1", "a.b.c", "A$b" }, *const bad[] = { "", "1a", "a.", ".a", "a..b", "a.b.c.d", "a b", "a;b", "a\"", "é", "$a" };
    struct text sql = { 0 };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) same(good[i], identifier_is_valid(good[i]) ? "yes" : "no", "yes");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) same(bad[i], identifier_is_valid(bad[i]) ? "yes" : "no", "no");
    identifier_quote(&sql, "a.b", '"');
    text_put(&sql, " ");
    identifier_quote(&sql, "a.b", ' ');
    same("quoting", sql.data, "\"a\".\"b\" a.b");
    text_free(&sql);
}

static void connection_strings(void) {
    static const struct { const char *json, *password, *wanted; } table[] = {
        { "{\"driver\":\"/x/psqlodbcw.so\",\"server\":\"::1\",\"port\":5432,\"database\":\"work\",\"user\":\"ada\",\"password\":\"secret://p\","
          "\"options\":{\"Fetch\":\"5\"}}", "a;b}c",
          "DRIVER=/x/psqlodbcw.so;SERVER=::1;PORT=5432;DATABASE=work;UID=ada;Fetch=5;UseDeclareFetch=1;BoolsAsChar=0;ByteaAsLongVarBinary=1;"
          "UseServerSidePrepare=1;Protocol=7.4-1;PWD={a;b}}c};" },
        { "{\"driver\":\"PostgreSQL Unicode\",\"server\":\"db\",\"tls\":{\"caFile\":\"/ca.pem\"},\"options\":{\"UseDeclareFetch\":\"0\",\"fetch\":\"1\","
          "\"BoolsAsChar\":\"0\",\"ByteaAsLongVarBinary\":\"1\",\"UseServerSidePrepare\":\"1\",\"Protocol\":\"7.4-1\"}}", "",
          "DRIVER={PostgreSQL Unicode};SERVER=db;UseDeclareFetch=0;fetch=1;BoolsAsChar=0;ByteaAsLongVarBinary=1;UseServerSidePrepare=1;"
          "Protocol=7.4-1;SSLmode=verify-full;pqopt={sslrootcert=/ca.pem};" },
        { "{\"dsn\":\"shop\",\"system\":\"mariadb\",\"database\":\"a b;c}\",\"tls\":{\"caFile\":\"/ca.pem\"},\"connectTimeoutMs\":1500}", "",
          "DSN=shop;DATABASE={a b;c}}};FORCETLS=1;SSLVERIFY=1;SSLCA=/ca.pem;CHARSET=utf8mb4;NO_PROMPT=1;CONN_TIMEOUT=2;" },
        { "{\"driver\":\"/libsqlite3odbc.so\",\"database\":\"/srv/x.db\"}", "", "DRIVER=/libsqlite3odbc.so;DATABASE=/srv/x.db;StepAPI=1;FKSupport=1;Timeout=5000;" },
        { "{\"driver\":\"/x.so\",\"options\":{\"Encrypt\":\"yes, please\"}}", "", "DRIVER=/x.so;Encrypt={yes, please};" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct config config;
        struct problem problem;
        struct text text = { 0 }, whole = { 0 };
        memset(&problem, 0, sizeof problem);
        text_format(&whole, "{\"connections\":{\"c\":%s}}", table[i].json);
        if (!config_read(&config, spindle_str_make(whole.data, whole.length), &problem)) same(table[i].json, problem.message, "");
        else if (connection_string_make(&config.connections[0], spindle_str_from_cstr(table[i].password), &text, &problem)) same("string", text.data, table[i].wanted);
        else same(table[i].json, problem.message, "");
        problem_free(&problem), config_free(&config), text_wipe(&text), text_free(&whole);
    }
}

static void temporals(void) {
    static const struct { enum value_type type; const char *text, *wanted; } table[] = {
        { TYPE_DATE, "2024-02-29", "2024-02-29" }, { TYPE_DATE, "2023-02-29", NULL }, { TYPE_DATE, "0000-01-01", NULL }, { TYPE_DATE, "2024-1-1", NULL },
        { TYPE_DATE, "2024-02-29x", NULL }, { TYPE_DATE, "", NULL }, { TYPE_TIME, "23:59", "23:59:00" }, { TYPE_TIME, "23:59:59.123456789", "23:59:59.123456789" },
        { TYPE_TIME, "24:00:00", NULL }, { TYPE_TIME, "12:00:60", NULL }, { TYPE_TIME, "12:00:00.", NULL },
        { TYPE_TIMESTAMP, "2024-02-29", "2024-02-29 00:00:00" }, { TYPE_TIMESTAMP, "2024-02-29T01:02", "2024-02-29 01:02:00" },
        { TYPE_TIMESTAMP, "2024-02-29 01:02:03.5", "2024-02-29 01:02:03.5" }, { TYPE_TIMESTAMP, "2024-02-29T01:02:03Z", "2024-02-29 01:02:03" },
        { TYPE_TIMESTAMP, "2024-01-01T00:30:00+01:00", "2023-12-31 23:30:00" }, { TYPE_TIMESTAMP, "2023-12-31T23:30:00-0100", "2024-01-01 00:30:00" },
        { TYPE_TIMESTAMP, "2024-03-01T00:00:00+14", "2024-02-29 10:00:00" }, { TYPE_TIMESTAMP, "2024-03-01T00:00:00+19:00", NULL },
        { TYPE_TIMESTAMP, "2024-03-01T00:00:00 ", NULL }, { TYPE_TIMESTAMP, "2024-03-01T", NULL },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct text text = { 0 };
        bool good = temporal_read(&text, table[i].type, spindle_str_from_cstr(table[i].text));
        same(table[i].text, good ? text.data : "refused", table[i].wanted ? table[i].wanted : "refused");
        text_free(&text);
    }
}

static void base64(void) {
    static const char *const good[][2] = { { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" } };
    static const char *const bad[] = { "Z", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "=Zg=", "Zm9v\n", "Z_8=" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct text bytes = { 0 }, text = { 0 };
        same(good[i][0], base64_read(&bytes, spindle_str_from_cstr(good[i][0])) ? bytes.data ? bytes.data : "" : "refused", good[i][1]);
        base64_add(&text, (const unsigned char *)good[i][1], strlen(good[i][1]));
        same(good[i][1], text.data, good[i][0]);
        text_free(&bytes), text_free(&text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct text bytes = { 0 };
        same(bad[i], base64_read(&bytes, spindle_str_from_cstr(bad[i])) ? "read" : "refused", "refused");
        text_free(&bytes);
    }
}

static void written(void) {
    static const struct { enum column_kind kind; const char *value, *json; } table[] = {
        { COLUMN_INTEGER, "0", "0" }, { COLUMN_INTEGER, "-9007199254740991", "-9007199254740991" }, { COLUMN_INTEGER, "9007199254740992", "\"9007199254740992\"" },
        { COLUMN_INTEGER, "007", "\"007\"" }, { COLUMN_INTEGER, "1.5", "\"1.5\"" }, { COLUMN_INTEGER, "", "\"\"" },
        { COLUMN_DECIMAL, "123456789012.345", "123456789012.345" }, { COLUMN_DECIMAL, "1234567890123.456", "\"1234567890123.456\"" },
        { COLUMN_DECIMAL, "0.000000000000000000123", "0.000000000000000000123" }, { COLUMN_DECIMAL, ".5", "\".5\"" }, { COLUMN_DECIMAL, "5.", "\"5.\"" },
        { COLUMN_DECIMAL, "NaN", "\"NaN\"" }, { COLUMN_DOUBLE, "0.1", "0.1" }, { COLUMN_DOUBLE, "1e300", "1e+300" }, { COLUMN_DOUBLE, "inf", "\"Infinity\"" },
        { COLUMN_DOUBLE, "nan", "\"NaN\"" }, { COLUMN_DOUBLE, "0.30000000000000004", "0.30000000000000004" }, { COLUMN_REAL, "0.10000000149011612", "0.1" },
        { COLUMN_BOOLEAN, "1", "true" }, { COLUMN_BOOLEAN, "0", "false" }, { COLUMN_BOOLEAN, "", "false" }, { COLUMN_BINARY, "foob", "\"Zm9vYg==\"" },
        { COLUMN_TIMESTAMP, "2026-01-02 03:04:05", "\"2026-01-02T03:04:05\"" }, { COLUMN_ZONED, "2026-01-02 03:04:05.5", "\"2026-01-02T03:04:05.5Z\"" },
        { COLUMN_UUID, "6F8B9C1E-1111-4222-8333-0123456789AB", "\"6f8b9c1e-1111-4222-8333-0123456789ab\"" },
        { COLUMN_TEXT, "a\"\\\n\x01\xC3\xA9\xF0\x9F\x98\x80", "\"a\\\"\\\\\\u000a\\u0001\xC3\xA9\xF0\x9F\x98\x80\"" },
        { COLUMN_TEXT, "\xFFx\xC3", "\"\xEF\xBF\xBDx\xEF\xBF\xBD\"" }, { COLUMN_TEXT, "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        { COLUMN_TEXT, "\xC3\"", "\"\xEF\xBF\xBD\\\"\"" }, { COLUMN_TEXT, "\xE2\x82", "\"\xEF\xBF\xBD\"" }, { COLUMN_TEXT, "\xC0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct text text = { 0 };
        struct writer writer = { .text = &text };
        writer_value(&writer, table[i].kind, table[i].value, strlen(table[i].value));
        same(table[i].value, text.data, table[i].json);
        text_free(&text);
    }
    /* The same in every division into pieces. */
    for (size_t cut = 0; cut <= 9; cut++) {
        struct text text = { 0 };
        struct writer writer = { .text = &text, .csv = true };
        writer_quoted(&writer, "a\"\xC3\xA9\xF0\x9F\x98\x80z", cut);
        writer_quoted(&writer, &"a\"\xC3\xA9\xF0\x9F\x98\x80z"[cut], 9 - cut);
        writer_quoted_end(&writer);
        same("pieces", text.data, "a\"\"\xC3\xA9\xF0\x9F\x98\x80z");
        text_free(&text);
    }
}

static void json_values(void) {
    static const char *const table[][2] = {
        { "0.1", "0.1" }, { "[1.5,{\"a\":0.7}]", "[1.5,{\"a\":0.7}]" }, { "0.30000000000000004", "0.30000000000000004" },
        { "\"a\"", "\"a\"" }, { "\"\\u0000\"", "\"\\u0000\"" }, { "null", "" }, { "123456789012345678", "123456789012345678" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *json = json_loads(table[i][0], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        struct value value = { .null = false };
        const char *why = "";
        same(table[i][0], value_from_json(&value, TYPE_JSON, json, &why) ? value.bytes.data : why, table[i][1]);
        text_free(&value.bytes);
        json_decref(json);
    }
}

static void verdicts(void) {
    static const struct { enum database_system system; enum phase phase; const char *state; long native; const char *message, *code; int32_t outcome; } table[] = {
        { SYSTEM_POSTGRESQL, PHASE_RUN, "40P01", 1, "", "sql.serialization", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "40001", 1, "", "sql.serialization", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_COMMIT, "40003", 1, "", "sql.uncertain", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "57P01", 1, "", "sql.connection", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "57014", 1, "due to statement timeout", "sql.timeout", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "57014", 1, "due to user request", "sql.interrupted", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "53300", 1, "", "sql.busy", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "55P03", 1, "", "sql.busy", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: password authentication failed for user", "sql.credentials", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "Connection refused", "sql.connection", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "server certificate for \"x\" does not match", "sql.tls", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: too many connections for role \"ada\"", "sql.busy", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: too many connections for database \"shop\"", "sql.busy", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: sorry, too many clients already", "sql.busy", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute",
          "sql.busy", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: database \"shop\" is not currently accepting connections", "sql.busy", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: role \"ada\" does not exist", "sql.credentials", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: role \"ada\" is not permitted to log in", "sql.credentials", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: database \"shop\" does not exist", "sql.database", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: database \"shop\" has gone to lunch", "sql.connection", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "FATAL: permission denied for database \"shop\"", "sql.denied", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "SSL error: unexpected eof while reading", "sql.connection", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "SSL SYSCALL error: Connection reset by peer", "sql.connection", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_CONNECT, "08001", 101, "SSL error: certificate verify failed", "sql.tls", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "P0001", 1, "no statement timeout is set", "sql.raised", SPINDLE_PERMANENT },
        { SYSTEM_MARIADB, PHASE_CONNECT, "HY000", 2026, "TLS/SSL error: unexpected eof while reading", "sql.connection", SPINDLE_RETRYABLE },
        { SYSTEM_MARIADB, PHASE_CONNECT, "HY000", 2026, "TLS/SSL error: The TLS connection was non-properly terminated.", "sql.connection",
          SPINDLE_RETRYABLE },
        { SYSTEM_MARIADB, PHASE_CONNECT, "HY000", 2026, "TLS/SSL error: Validation of SSL server certificate failed", "sql.tls", SPINDLE_PERMANENT },
        { SYSTEM_MARIADB, PHASE_RUN, "HY000", 1020, "", "sql.serialization", SPINDLE_RETRYABLE },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "23505", 1, "", "sql.constraint", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "22001", 1, "", "sql.data", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "42501", 1, "", "sql.denied", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "42P01", 1, "", "sql.statement", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "P0001", 1, "", "sql.raised", SPINDLE_PERMANENT },
        { SYSTEM_POSTGRESQL, PHASE_RUN, "25006", 1, "", "sql.readonly", SPINDLE_PERMANENT },
        { SYSTEM_MARIADB, PHASE_RUN, "HY000", 1205, "", "sql.busy", SPINDLE_RETRYABLE },
        { SYSTEM_MARIADB, PHASE_RUN, "70100", 1969, "", "sql.timeout", SPINDLE_RETRYABLE },
        { SYSTEM_MARIADB, PHASE_CONNECT, "HY000", 2002, "", "sql.connection", SPINDLE_RETRYABLE },
        { SYSTEM_MARIADB, PHASE_CONNECT, "28000", 1045, "", "sql.credentials", SPINDLE_PERMANENT },
        { SYSTEM_SQLITE, PHASE_RUN, "HY000", 5, "", "sql.busy", SPINDLE_RETRYABLE },
        { SYSTEM_SQLITE, PHASE_RUN, "HY000", 2067, "", "sql.constraint", SPINDLE_PERMANENT },
        { SYSTEM_OTHER, PHASE_RUN, "HYT00", 0, "", "sql.timeout", SPINDLE_RETRYABLE },
        { SYSTEM_OTHER, PHASE_RUN, "08S01", 0, "", "sql.connection", SPINDLE_RETRYABLE },
        { SYSTEM_OTHER, PHASE_RUN, "HY000", 0, "", "sql.failed", SPINDLE_PERMANENT },
        { SYSTEM_OTHER, PHASE_CONNECT, "HY000", 0, "", "sql.connection", SPINDLE_RETRYABLE },
        { SYSTEM_OTHER, PHASE_CONNECT, "IM002", 0, "", "sql.driver", SPINDLE_PERMANENT },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct verdict v = verdict_of(table[i].system, table[i].phase, table[i].state, table[i].native, table[i].message);
        same(table[i].state, v.code, table[i].code);
        same(table[i].state, v.outcome == table[i].outcome ? "outcome" : "another outcome", "outcome");
    }
}

int main(void) {
    placeholders();
    identifiers();
    connection_strings();
    temporals();
    base64();
    written();
    json_values();
    verdicts();
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
