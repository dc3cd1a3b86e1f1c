/* The thread that carries every request of an instance. */
#ifndef SPINDLE_HTTP_LOOP_H
#define SPINDLE_HTTP_LOOP_H

#include "attempt.h"

/* One loop an instance, not one a library: a connection that one instance's policy allowed can then never be reused
 * by another's request. */
struct loop *loop_create(struct instance *instance);
/* No attempt is open. */
void loop_destroy(struct loop *loop);

/* From any thread; none blocks. */
void loop_submit(struct attempt *a);
void loop_cancel(struct attempt *a);
void loop_writable(struct attempt *a);
void loop_resolved(void *attempt);

/* On the loop's thread. */
bool loop_add(struct attempt *a, CURL *easy); /* to libcurl */
CURL *loop_take_easy(struct loop *loop);      /* NULL without memory */
void loop_drop_easy(struct attempt *a);
void loop_wait(struct attempt *a, enum phase phase);
void loop_end_wait(struct attempt *a);
/* Lets go of all that the loop has of it. Afterwards complete may be called and the attempt may vanish. */
void loop_retire(struct attempt *a);

#endif
