/* Small text helpers. */
#ifndef SPINDLE_GRPC_TEXT_H
#define SPINDLE_GRPC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ascii.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Length of the well-formed UTF-8 sequence at `p`, or 0. */
size_t utf8_length(const char *p, size_t available);

/* The name with the fewest edits, or NULL when none is near. */
const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count);

#ifdef __cplusplus
}
#endif

#endif
