/* Which addresses may be connected to. */
#ifndef SPINDLE_NET_ADDRESS_H
#define SPINDLE_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In network order; IPv4 in the first four bytes. IPv4-mapped IPv6 is turned into IPv4 by all that make one. */
struct address {
    bool v6;
    uint8_t bytes[16];
};

struct address_range {
    struct address base;
    unsigned prefix;
    uint16_t port; /* 0 = every port */
};

#define ADDRESS_MOST_RANGES 256

enum address_mode {
    ADDRESS_DEFAULT, /* refuses what no job should ever reach: link-local, metadata, multicast, reserved */
    ADDRESS_PUBLIC   /* also refuses loopback, private, shared and unique-local addresses */
};

struct address_policy {
    enum address_mode mode;
    struct address_range *allow; /* exceptions, always allowed */
    size_t allow_count;
};

#define ADDRESS_TEXT_BYTES 48

/* A dotted quad without leading zeros, or IPv6 without brackets and zone. */
bool address_parse(struct address *address, const char *text, size_t length);
bool address_from_sockaddr(struct address *address, uint16_t *port, const struct sockaddr *socket_address);
void address_text(const struct address *address, char text[ADDRESS_TEXT_BYTES]);

/* "10.0.0.0/8", "127.0.0.1:8080", "fd00::/8", "[::1]:443", "[fd00::/8]:443", "10.0.0.0/8:443". */
bool address_range_parse(struct address_range *range, const char *text, size_t length);

bool address_allowed(const struct address_policy *policy, const struct address *address, uint16_t port);

/* Would some resolver read this name as a number ("127.1", "0x7f.1", "2130706433")? Such names are refused before
 * anybody can disagree on what they mean. A proper dotted quad is not asked. */
bool address_numeric_name(const char *host, size_t length);

#ifdef __cplusplus
}
#endif

#endif
