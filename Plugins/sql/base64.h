/* Base 64 (RFC 4648) with padding. */
#ifndef SQL_BASE64_H
#define SQL_BASE64_H

#include "text.h"

void base64_add(struct text *text, const unsigned char *bytes, size_t length);
bool base64_read(struct text *bytes, spindle_str text); /* false: it is none */

#endif
