/* A body that is too long for the output, kept as the artefact "body". */
#ifndef SPINDLE_HTTP_ARTEFACT_H
#define SPINDLE_HTTP_ARTEFACT_H

#include "attempt.h"

enum artefact_step { ARTEFACT_TAKEN, ARTEFACT_NO_ROOM, ARTEFACT_REFUSED };

bool artefact_offered(const struct attempt *a);
/* What was read before the limit was hit, then `chunk`. NO_ROOM: nothing of the chunk was taken; call again with the
 * same one when there is room. */
enum artefact_step artefact_put(struct attempt *a, const char *chunk, size_t length);
enum artefact_step artefact_end(struct attempt *a);

#endif
