/* What a driver or the driver manager says went wrong, and what that means for the job. */
#ifndef SQL_DIAGNOSTICS_H
#define SQL_DIAGNOSTICS_H

#include "text.h"
#include "types.h"

enum phase { PHASE_CONNECT, PHASE_RUN, PHASE_COMMIT };

struct verdict {
    const char *code;
    int32_t outcome;
};

/* By SQLSTATE, by the numbers of systems that say nothing by SQLSTATE, and, when connecting, by the words of the message. */
struct verdict verdict_of(enum database_system system, enum phase phase, const char *sqlstate, long native, const char *message);

/* Reads the records of a handle. The message begins with `what`; the details have all records. */
void problem_from_handle(struct problem *problem, enum database_system system, enum phase phase, SQLSMALLINT type,
                         SQLHANDLE handle, const char *what);

/* The messages of a call that succeeded with information, each with the number of `more` ones left out. */
void notices_read(SQLHSTMT statement, void (*take)(void *context, const char *sqlstate, const char *message), void *context);

#endif
