/* Reads what a statement gives back. */
#ifndef SQL_RESULTS_H
#define SQL_RESULTS_H

#include "run.h"

/* After the statement was executed. False: the run's problem says why, or it shall end. */
bool results_read(struct run *run);

/* A failure of the statement as the run's problem. Returns false. */
bool run_statement_failed(struct run *run, const char *doing);

#endif
