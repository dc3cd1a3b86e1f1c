/* Stops statements: when the host asks for it, and when their time is up. Each pool has one thread for it, because asking a server
 * may take a while, and the host's `cancel` must not wait. */
#ifndef SQL_CANCELLER_H
#define SQL_CANCELLER_H

#include "pool.h"

bool canceller_start(struct pool *pool);
void canceller_stop(struct pool *pool);

/* Between these two the run's statement may be stopped at any time; not after the second has returned. */
void canceller_watch(struct run *run);
void canceller_forget(struct run *run);

#endif
