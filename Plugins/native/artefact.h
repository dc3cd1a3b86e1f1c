/* An output that is too long to be kept inline goes into an artefact. */
#ifndef NATIVE_ARTEFACT_H
#define NATIVE_ARTEFACT_H

#include <spindle/executor.h>

#define ARTEFACT_NAME "output"

/* OK, or below 0; SPINDLE_E_BUSY: the attempt was cancelled meanwhile. Waits while the host has no room. */
spindle_status artefact_send(const spindle_request *request, const char *bytes, size_t length);

/* The host's `writable` and `release`; `state` may be NULL. */
void artefact_wake(void *state);
void artefact_release(void *state);

#endif
