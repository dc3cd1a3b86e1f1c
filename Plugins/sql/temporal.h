/* Dates, times and timestamps as text. */
#ifndef SQL_TEMPORAL_H
#define SQL_TEMPORAL_H

#include "text.h"
#include "types.h"

/* Appends YYYY-MM-DD, HH:MM:SS[.ffffff] or YYYY-MM-DD HH:MM:SS[.ffffff] for a value of ISO 8601 (`T` or a blank between date and time).
 * A timestamp may end with Z or an offset; it is given in UTC then. False: it is none, or there is no such day. */
bool temporal_read(struct text *text, enum value_type type, spindle_str value);

#endif
