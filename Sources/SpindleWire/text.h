/* Texts that come from a plugin. */
#pragma once

#include <stdint.h>

#include "SpindleWire.h"

/* How many bytes from the start are whole, valid UTF-8. */
size_t text_valid_prefix(const char *text, size_t length);

/* The text with what is not UTF-8 replaced by U+FFFD, cut to `limit` bytes at a character. Borrowed if nothing had to
 * change, else in the arena; empty if there is no memory. *replaced grows by 1 if something was replaced. */
spw_bytes text_clean(spw_bytes text, size_t limit, spw_arena *arena, uint64_t *replaced);

/* [a-z0-9._-]{1,64} and not the host's own "spindle.". */
int text_is_code(spw_bytes code);

/* [A-Za-z_][A-Za-z0-9_.-]{0,127} */
int text_is_name(const char *name);

/* An error code or message of ours. */
spw_bytes text_of(const char *literal);
