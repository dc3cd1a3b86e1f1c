/* One connection to a database. */
#ifndef SQL_CONNECTION_H
#define SQL_CONNECTION_H

#include "config.h"

/* Where the host keeps an instance's secrets. */
struct keeper {
    const spindle_host *host;
    spindle_host_ctx *ctx;
    spindle_handle handle;
};

struct connection {
    struct connection *next;
    const struct connection_settings *settings;
    SQLHDBC dbc;
    enum database_system system;
    char quote;             /* around identifiers; ' ' = none */
    char server_id[32];     /* what the server calls it: digits */
    bool autocommit;
    bool cursors;           /* PostgreSQL: rows come by a cursor */
    SQLULEN isolation, default_isolation;
    int64_t statement_seconds, most_rows; /* limits of the server's own that are set; 0 = none */
    bool broken;            /* must not be used again */
    int64_t idle_since_ns;
};

/* NULL: `problem` says why. */
struct connection *connection_open(SQLHENV environment, const struct connection_settings *settings, const struct keeper *keeper,
                                   int64_t timeout_ms, struct problem *problem);
void connection_close(struct connection *connection);

/* Sets transaction, isolation and the server's own time limit (seconds, 0 = none), where they differ from what is set. */
bool connection_prepare(struct connection *connection, const struct operation *operation, int64_t seconds, struct problem *problem);

/* Runs a statement without parameters, whose rows do not matter. */
bool connection_run(struct connection *connection, const char *sql, struct problem *problem);

bool connection_is_dead(const struct connection *connection); /* as far as the driver knows */

#endif
