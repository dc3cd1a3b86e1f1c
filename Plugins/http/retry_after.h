/* Retry-After (RFC 9110, 10.2.3): seconds or an HTTP-date. */
#ifndef SPINDLE_HTTP_RETRY_AFTER_H
#define SPINDLE_HTTP_RETRY_AFTER_H

#include <stddef.h>
#include <stdint.h>

#define RETRY_AFTER_MOST_MS (3600 * INT64_C(1000))

/* Milliseconds to wait, 0 to one hour, or -1 when the text is neither form. `now` is in Unix seconds. */
int64_t retry_after_ms(const char *text, size_t length, int64_t now);

#endif
