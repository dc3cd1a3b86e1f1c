/* One hop of an attempt as a libcurl transfer. */
#ifndef SPINDLE_HTTP_TRANSFER_H
#define SPINDLE_HTTP_TRANSFER_H

#include "attempt.h"

/* Sets `easy` up for the attempt's current hop, pinned to `addresses`. */
bool transfer_prepare(struct attempt *a, CURL *easy, const struct address *addresses, size_t count);
/* Once, before any transfer: asking libcurl what it can do is slow, and not for several threads. */
void route_init(void);
/* What it decodes, as Accept-Encoding has it. */
const char *route_codings(void);
/* What every transfer has: trust, route, pinned addresses, URL. */
bool transfer_route(CURL *easy, const struct config *config, const struct url *url, const struct address *addresses,
                    size_t count, struct curl_slist **connect_to, struct curl_slist **resolve);
/* Reads what the hop tells of itself before the handle goes back. */
void transfer_collect(struct attempt *a);

/* receive.c */
size_t receive_header(char *bytes, size_t size, size_t count, void *context);
size_t receive_body(char *bytes, size_t size, size_t count, void *context);

#endif
