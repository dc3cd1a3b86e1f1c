/* The types that a parameter may be declared with, and the systems whose drivers are known. */
#ifndef SQL_TYPES_H
#define SQL_TYPES_H

#include <sql.h>
#include <sqlext.h>
#include <stdbool.h>
#include <stddef.h>

enum value_type {
    TYPE_TEXT, TYPE_INTEGER, TYPE_DECIMAL, TYPE_DOUBLE, TYPE_BOOLEAN, TYPE_DATE, TYPE_TIME, TYPE_TIMESTAMP, TYPE_BINARY,
    TYPE_UUID, TYPE_JSON, TYPE_COUNT
};
extern const char *const type_names[TYPE_COUNT];

/* What ODBC alone does not say: how routines are called, how a statement is stopped, which options a driver wants. */
enum database_system { SYSTEM_POSTGRESQL, SYSTEM_MARIADB, SYSTEM_SQLITE, SYSTEM_OTHER, SYSTEM_COUNT };
extern const char *const system_names[SYSTEM_COUNT];

/* From a driver's name or path, or from what a connection calls its database. */
enum database_system system_of(const char *name);

enum isolation { ISOLATION_DEFAULT, ISOLATION_UNCOMMITTED, ISOLATION_COMMITTED, ISOLATION_REPEATABLE, ISOLATION_SERIALIZABLE,
                 ISOLATION_COUNT };
extern const char *const isolation_names[ISOLATION_COUNT];
SQLULEN isolation_value(enum isolation isolation);

/* The place of `name` in a table of names, -1 if it is not there. */
int name_find(const char *name, const char *const *names, int count);

/* The SQL type that a value of a declared type is bound as. */
SQLSMALLINT type_sql(enum value_type type, size_t length);

/* How a column's values are written. */
enum column_kind { COLUMN_TEXT, COLUMN_INTEGER, COLUMN_DECIMAL, COLUMN_DOUBLE, COLUMN_REAL, COLUMN_BOOLEAN, COLUMN_BINARY,
                   COLUMN_TIMESTAMP, COLUMN_ZONED, COLUMN_UUID };
enum column_kind column_kind(enum database_system system, SQLSMALLINT sql_type, const char *type_name);
enum column_kind column_kind_of_type(enum value_type type);

#endif
