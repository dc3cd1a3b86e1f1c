#include <string.h>

#include "diagnostics.h"

#define RETRY(name) { "sql." name, SPINDLE_RETRYABLE }
#define NEVER(name) { "sql." name, SPINDLE_PERMANENT }

struct rule {
    const char *state; /* the beginning of a SQLSTATE */
    struct verdict verdict;
};

/* The first that fits counts. */
static const struct rule rules[] = {
    { "40003", RETRY("uncertain") },
    { "40", RETRY("serialization") },
    { "08004", RETRY("busy") },
    { "08", RETRY("connection") },
    { "57014", RETRY("interrupted") },
    { "57", RETRY("connection") },
    { "58", RETRY("connection") },
    { "53", RETRY("busy") },
    { "55P03", RETRY("busy") },
    { "55006", RETRY("busy") },
    { "HYT01", RETRY("connection") },
    { "HYT00", RETRY("timeout") },
    { "S1T00", RETRY("timeout") },
    { "HY008", RETRY("interrupted") },
    { "HY018", RETRY("interrupted") },
    { "70100", RETRY("interrupted") },
    { "HY001", RETRY("internal") },
    { "23", NEVER("constraint") },
    { "44", NEVER("constraint") },
    { "21", NEVER("data") },
    { "22", NEVER("data") },
    { "28", NEVER("credentials") },
    { "42501", NEVER("denied") },
    { "42", NEVER("statement") },
    { "07", NEVER("statement") },
    { "0A", NEVER("statement") },
    { "3D", NEVER("database") },
    { "3F", NEVER("statement") },
    { "25006", NEVER("readonly") },
    { "P0", NEVER("raised") },
    { "45", NEVER("raised") },
    { "38", NEVER("raised") },
    { "39", NEVER("raised") },
    { "IM", NEVER("driver") },
};

struct number {
    long native;
    struct verdict verdict;
};

/* MariaDB and MySQL, where the SQLSTATE is HY000 or says too little. */
static const struct number mariadb[] = {
    { 1205, RETRY("busy") },         /* lock wait timeout */
    { 1213, RETRY("serialization") }, { 1020, RETRY("serialization") }, /* deadlock, changed since it was read */
    { 1040, RETRY("busy") },         { 1203, RETRY("busy") },       { 1226, RETRY("busy") },       /* too many connections */
    { 1053, RETRY("connection") },   { 1927, RETRY("connection") }, /* shut down, killed */
    { 2002, RETRY("connection") },   { 2003, RETRY("connection") }, { 2006, RETRY("connection") }, { 2007, RETRY("connection") },
    { 2012, RETRY("connection") },   { 2013, RETRY("connection") }, { 2027, RETRY("connection") }, { 2055, RETRY("connection") },
    { 1317, RETRY("interrupted") },  { 1969, RETRY("timeout") },
    { 1044, NEVER("credentials") },  { 1045, NEVER("credentials") }, { 1698, NEVER("credentials") },
    { 1049, NEVER("database") },     { 2026, NEVER("tls") },
    { 1142, NEVER("denied") },       { 1143, NEVER("denied") },     { 1227, NEVER("denied") },     { 1370, NEVER("denied") },
    { 1290, NEVER("readonly") },     { 1792, NEVER("readonly") },   { 4025, NEVER("constraint") },
};
static const struct number sqlite[] = {
    { 1, NEVER("statement") },  { 5, RETRY("busy") },        { 6, RETRY("busy") },      { 8, NEVER("readonly") },
    { 9, RETRY("interrupted") }, { 11, NEVER("database") },  { 14, NEVER("database") }, { 17, RETRY("busy") },
    { 18, NEVER("data") },      { 19, NEVER("constraint") }, { 20, NEVER("data") },     { 23, NEVER("denied") },
    { 26, NEVER("database") },
};

struct words {
    const char *part, *and; /* both are in the message; names of databases and roles stand between them */
    struct verdict verdict;
};

/* A handshake of TLS that broke off says nothing about certificates. By OpenSSL and by GnuTLS. */
static const char *const broken_off[] = { "unexpected eof", "reset by peer", "SYSCALL", "Broken pipe", "non-properly terminated",
                                          "pull function", "push function", "timed out" };

/* psqlodbc gives 08001 for all that keeps a connection from being made. The first that fits counts. */
static const struct words connecting[] = {
    { "too many c", "", RETRY("busy") }, /* clients, connections for role, connections for database */
    { "remaining connection slots", "", RETRY("busy") },
    { "not currently accepting connections", "", RETRY("busy") },
    { "authentication failed", "", NEVER("credentials") },
    { "no password supplied", "", NEVER("credentials") },
    { "no pg_hba.conf entry", "", NEVER("credentials") },
    { "role \"", "does not exist", NEVER("credentials") },
    { "role \"", "not permitted to log in", NEVER("credentials") },
    { "database \"", "does not exist", NEVER("database") },
    { "permission denied for database", "", NEVER("denied") },
    { "certificate", "", NEVER("tls") },
    { "SSL error", "", NEVER("tls") },
    { "does not support SSL", "", NEVER("tls") },
    { "Can't open lib", "", NEVER("driver") },
    { "onnection string parse error", "", NEVER("driver") },
};

static bool is_broken_off(const char *message) {
    size_t i;
    if (strstr(message, "SSL") == NULL && strstr(message, "TLS") == NULL) return false;
    for (i = 0; i < sizeof broken_off / sizeof *broken_off; i++) {
        if (strstr(message, broken_off[i]) != NULL) return true;
    }
    return false;
}

static const struct verdict *by_words(const char *message) {
    size_t i;
    for (i = 0; i < sizeof connecting / sizeof *connecting; i++) {
        const char *part = strstr(message, connecting[i].part);
        if (part != NULL && strstr(part, connecting[i].and) != NULL) return &connecting[i].verdict;
    }
    return NULL;
}

static const struct verdict *by_number(const struct number *numbers, size_t count, long native) {
    size_t i;
    for (i = 0; i < count; i++) {
        if (numbers[i].native == native) return &numbers[i].verdict;
    }
    return NULL;
}

struct verdict verdict_of(enum database_system system, enum phase phase, const char *sqlstate, long native, const char *message) {
    static const struct verdict unknown = NEVER("failed"), unreachable = RETRY("connection");
    const struct verdict *found = NULL;
    size_t i;
    if (phase == PHASE_CONNECT && is_broken_off(message)) return unreachable;
    if (system == SYSTEM_MARIADB) found = by_number(mariadb, sizeof mariadb / sizeof *mariadb, native);
    if (system == SYSTEM_SQLITE && native > 0) found = by_number(sqlite, sizeof sqlite / sizeof *sqlite, native & 0xFF);
    if (found != NULL) return *found;
    if (strcmp(sqlstate, "57014") == 0 && strstr(message, "statement timeout") != NULL) return (struct verdict)RETRY("timeout");
    if (phase == PHASE_CONNECT) found = by_words(message);
    if (found != NULL) return *found;
    for (i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strncmp(sqlstate, rules[i].state, strlen(rules[i].state)) == 0) return rules[i].verdict;
    }
    return phase == PHASE_CONNECT ? unreachable : unknown;
}
