/* Texts put into other texts so that they cannot change what stands around them. */
#ifndef SPINDLE_HTTP_ENCODING_H
#define SPINDLE_HTTP_ENCODING_H

#include "text.h"

/* Everything but letters, digits and "-._~" as %XX. */
bool encode_percent(struct buffer *b, const char *text, size_t length);
/* The same for application/x-www-form-urlencoded: a blank is a plus. */
bool encode_form(struct buffer *b, const char *text, size_t length);
/* For text and attributes of XML. False also for control characters, which XML cannot hold. */
bool encode_xml(struct buffer *b, const char *text, size_t length);
bool encode_base64(struct buffer *b, const char *bytes, size_t length);

#endif
