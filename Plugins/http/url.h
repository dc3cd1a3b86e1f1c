/* Strict URLs: what is accepted here means the same to every parser behind it. */
#ifndef SPINDLE_HTTP_URL_H
#define SPINDLE_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

#define URL_MOST_BYTES 8192
#define URL_MOST_HOST 254

struct url {
    char *text; /* normalised, without fragment; freed by url_free */
    bool https;
    char host[URL_MOST_HOST + 1]; /* lower case; IPv6 without brackets */
    uint16_t port;
    bool literal; /* `address` holds what the host says */
    struct address address;
};

/* http and https only, no user name, no blanks, control characters or backslashes, an ASCII host that is a name, a
 * dotted quad or IPv6 in brackets. On failure *error says why (static text) and `url` is empty. */
bool url_parse(struct url *url, const char *text, size_t length, const char **error);

/* Resolves a Location header against `base`. */
bool url_follow(struct url *url, const struct url *base, const char *location, size_t length, const char **error);

bool url_same_origin(const struct url *a, const struct url *b);
/* False without memory. */
bool url_copy(struct url *copy, const struct url *url);
void url_free(struct url *url);

#endif
