/* References to secrets in what a job gives. */
#ifndef SPINDLE_HTTP_SECRET_H
#define SPINDLE_HTTP_SECRET_H

#include <spindle/executor.h>

#include "text.h"

/* Appends the value; "secret://NAME" or "Bearer secret://NAME" with the secret in its place: jobs hold only the reference. On
 * failure *error says why. */
bool secret_expand(const spindle_request *source, spindle_str value, struct buffer *expanded, const char **error);
bool secret_is(spindle_str value);

#endif
