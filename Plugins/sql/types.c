#include "types.h"

#include <string.h>
#include <strings.h>

const char *const type_names[TYPE_COUNT] = {
    "text", "integer", "decimal", "double", "boolean", "date", "time", "timestamp", "binary", "uuid", "json",
};
const char *const system_names[SYSTEM_COUNT] = { "postgresql", "mariadb", "sqlite", "other" };
const char *const isolation_names[ISOLATION_COUNT] = {
    "default", "readUncommitted", "readCommitted", "repeatableRead", "serializable",
};

enum database_system system_of(const char *name) {
    if (strcasestr(name, "psqlodbc") != NULL || strcasestr(name, "postgres") != NULL) return SYSTEM_POSTGRESQL;
    if (strcasestr(name, "maodbc") != NULL || strcasestr(name, "mariadb") != NULL || strcasestr(name, "mysql") != NULL) {
        return SYSTEM_MARIADB;
    }
    return strcasestr(name, "sqlite") != NULL ? SYSTEM_SQLITE : SYSTEM_OTHER;
}

SQLULEN isolation_value(enum isolation isolation) {
    switch (isolation) {
    case ISOLATION_UNCOMMITTED: return SQL_TXN_READ_UNCOMMITTED;
    case ISOLATION_COMMITTED: return SQL_TXN_READ_COMMITTED;
    case ISOLATION_REPEATABLE: return SQL_TXN_REPEATABLE_READ;
    case ISOLATION_SERIALIZABLE: return SQL_TXN_SERIALIZABLE;
    default: return 0;
    }
}

int name_find(const char *name, const char *const *names, int count) {
    int i;
    for (i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) return i;
    }
    return -1;
}

SQLSMALLINT type_sql(enum value_type type, size_t length) {
    switch (type) {
    case TYPE_INTEGER: return SQL_BIGINT;
    case TYPE_DECIMAL: return SQL_DECIMAL;
    case TYPE_DOUBLE: return SQL_DOUBLE;
    case TYPE_BOOLEAN: return SQL_BIT;
    case TYPE_DATE: return SQL_TYPE_DATE;
    case TYPE_TIME: return SQL_TYPE_TIME;
    case TYPE_BINARY: return length > 8000 ? SQL_LONGVARBINARY : SQL_VARBINARY;
    /* As text, because drivers that read timestamps lose the zone or digits of a second. */
    default: return length > 8000 ? SQL_LONGVARCHAR : SQL_VARCHAR;
    }
}

enum column_kind column_kind(enum database_system system, SQLSMALLINT sql_type, const char *type_name) {
    switch (sql_type) {
    case SQL_BIGINT: case SQL_INTEGER: case SQL_SMALLINT: case SQL_TINYINT: return COLUMN_INTEGER;
    case SQL_DECIMAL: case SQL_NUMERIC: return COLUMN_DECIMAL;
    case SQL_DOUBLE: case SQL_FLOAT: return COLUMN_DOUBLE;
    case SQL_REAL: return COLUMN_REAL;
    case SQL_BIT: return COLUMN_BOOLEAN;
    case SQL_BINARY: case SQL_VARBINARY: case SQL_LONGVARBINARY: return COLUMN_BINARY;
    case SQL_GUID: return COLUMN_UUID;
    case SQL_TYPE_TIMESTAMP: case SQL_TIMESTAMP:
        /* Sessions are set to UTC, and these types are shown in the session's zone. */
        if (system == SYSTEM_POSTGRESQL && strcasecmp(type_name, "timestamptz") == 0) return COLUMN_ZONED;
        if (system == SYSTEM_POSTGRESQL && strcasecmp(type_name, "timestamp with time zone") == 0) return COLUMN_ZONED;
        return system == SYSTEM_MARIADB && strcasecmp(type_name, "timestamp") == 0 ? COLUMN_ZONED : COLUMN_TIMESTAMP;
    default: return COLUMN_TEXT;
    }
}

enum column_kind column_kind_of_type(enum value_type type) {
    switch (type) {
    case TYPE_INTEGER: return COLUMN_INTEGER;
    case TYPE_DECIMAL: return COLUMN_DECIMAL;
    case TYPE_DOUBLE: return COLUMN_DOUBLE;
    case TYPE_BOOLEAN: return COLUMN_BOOLEAN;
    case TYPE_BINARY: return COLUMN_BINARY;
    case TYPE_TIMESTAMP: return COLUMN_TIMESTAMP;
    case TYPE_UUID: return COLUMN_UUID;
    default: return COLUMN_TEXT;
    }
}
