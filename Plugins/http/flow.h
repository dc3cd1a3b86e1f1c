/* What happens to an attempt, step by step; all on the loop's thread. After each of these it may be gone. */
#ifndef SPINDLE_HTTP_FLOW_H
#define SPINDLE_HTTP_FLOW_H

#include "attempt.h"

void flow_begin(struct attempt *a);
void flow_start(struct attempt *a); /* it has its place */
void flow_wake(struct attempt *a);  /* it rested */
void flow_resolved(struct attempt *a);
void flow_transferred(struct attempt *a, CURLcode code);
void flow_writable(struct attempt *a);
void flow_cancel(struct attempt *a);
void flow_expire(struct attempt *a);

#endif
