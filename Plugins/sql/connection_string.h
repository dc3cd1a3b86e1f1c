/* The text that a driver is given to connect. */
#ifndef SQL_CONNECTION_STRING_H
#define SQL_CONNECTION_STRING_H

#include "config.h"
#include "placeholders.h"

/* Appends KEY=VALUE;… with every value quoted by the rules of its driver. False: a value cannot be written for that driver.
 * The caller wipes `text`: the password is in it. */
bool connection_string_make(const struct connection_settings *settings, spindle_str password, struct text *text,
                            struct problem *problem);

/* Whether the operator's `options` have it. */
bool connection_option_is_given(const struct connection_settings *settings, const char *key);

#endif
