#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "ascii.h"

struct block {
    const char *base; /* network order */
    unsigned prefix;
};

/* What no job should reach in either mode. Sources: the IANA special-purpose registries and the documentation of the
 * clouds for their metadata services. */
static const struct block never4[] = {
    {"\x00\x00\x00\x00", 8},  {"\xA9\xFE\x00\x00", 16}, {"\xC0\x00\x00\x00", 24}, {"\xC0\x00\x02\x00", 24},
    {"\xC0\x58\x63\x00", 24}, {"\xC6\x12\x00\x00", 15}, {"\xC6\x33\x64\x00", 24}, {"\xCB\x00\x71\x00", 24},
    {"\xE0\x00\x00\x00", 4},  {"\xF0\x00\x00\x00", 4},
    {"\xA8\x3F\x81\x10", 32}, /* 168.63.129.16, Azure */
    {"\x64\x64\x64\xC8", 32}, /* 100.100.100.200, Alibaba */
};
static const struct block inside4[] = {
    {"\x7F\x00\x00\x00", 8}, {"\x0A\x00\x00\x00", 8}, {"\xAC\x10\x00\x00", 12}, {"\xC0\xA8\x00\x00", 16},
    {"\x64\x40\x00\x00", 10},
};

#define V6(a, b, c, d) a b c d
#define Z4 "\0\0\0\0"
static const struct block never6[] = {
    {V6("\x20\x01\x00\x00", Z4, Z4, Z4), 23},         /* protocol assignments, Teredo among them */
    {V6("\x20\x01\x0D\xB8", Z4, Z4, Z4), 32},         /* documentation */
    {V6("\x3F\xFF\x00\x00", Z4, Z4, Z4), 20},         /* documentation */
    {V6("\xFD\x00\x0E\xC2", Z4, Z4, "\0\0\x02\x54"), 128}, /* fd00:ec2::254, AWS */
    {V6("\xFD\x20\x00\xCE", Z4, Z4, "\0\0\x02\x54"), 128}, /* fd20:ce::254, Google */
};
static const struct block inside6[] = {
    {V6(Z4, Z4, Z4, "\0\0\0\x01"), 128},
    {V6("\xFC\x00\x00\x00", Z4, Z4, Z4), 7},
};
/* Everything else outside 2000::/3 (unspecified, link-local, multicast, discard, reserved) is refused. */
static const struct block unicast6 = {V6("\x20\x00\x00\x00", Z4, Z4, Z4), 3};
static const struct block mapped6 = {V6(Z4, Z4, "\0\0\xFF\xFF", Z4), 96};
static const struct block nat64 = {V6("\x00\x64\xFF\x9B", Z4, Z4, Z4), 96};
static const struct block six_to_four = {V6("\x20\x02\x00\x00", Z4, Z4, Z4), 16};

static bool inside(const uint8_t *bytes, const uint8_t *base, unsigned prefix) {
    unsigned whole = prefix / 8, rest = prefix % 8;
    if (memcmp(bytes, base, whole) != 0) return false;
    return rest == 0 || (bytes[whole] ^ base[whole]) >> (8 - rest) == 0;
}

static bool in_block(const uint8_t *bytes, const struct block *block) {
    return inside(bytes, (const uint8_t *)block->base, block->prefix);
}

static bool in_any(const uint8_t *bytes, const struct block *blocks, size_t count) {
    size_t i;
    for (i = 0; i < count; i++) {
        if (in_block(bytes, &blocks[i])) return true;
    }
    return false;
}

#define IN_ANY(bytes, blocks) in_any(bytes, blocks, sizeof(blocks) / sizeof((blocks)[0]))

static bool allowed4(enum address_mode mode, const uint8_t *bytes) {
    return !IN_ANY(bytes, never4) && !(mode == ADDRESS_PUBLIC && IN_ANY(bytes, inside4));
}

static bool allowed6(enum address_mode mode, const uint8_t *bytes) {
    /* These carry an IPv4 address that the packet ends at. */
    if (in_block(bytes, &nat64)) return allowed4(mode, bytes + 12);
    if (in_block(bytes, &six_to_four)) return allowed4(mode, bytes + 2);
    if (IN_ANY(bytes, never6)) return false;
    if (IN_ANY(bytes, inside6)) return mode != ADDRESS_PUBLIC;
    return in_block(bytes, &unicast6);
}

bool address_allowed(const struct address_policy *policy, const struct address *address, uint16_t port) {
    size_t i;
    for (i = 0; i < policy->allow_count; i++) {
        const struct address_range *range = &policy->allow[i];
        if (range->base.v6 == address->v6 && (range->port == 0 || range->port == port) &&
            inside(address->bytes, range->base.bytes, range->prefix)) {
            return true;
        }
    }
    return address->v6 ? allowed6(policy->mode, address->bytes) : allowed4(policy->mode, address->bytes);
}

static void unmap(struct address *address) {
    if (!address->v6 || !in_block(address->bytes, &mapped6)) return;
    memmove(address->bytes, address->bytes + 12, 4);
    memset(address->bytes + 4, 0, 12);
    address->v6 = false;
}

bool address_parse(struct address *address, const char *text, size_t length) {
    char copy[ADDRESS_TEXT_BYTES];
    if (length == 0 || length >= sizeof copy) return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    memset(address, 0, sizeof *address);
    if (strlen(copy) != length) return false;
    /* inet_pton takes exactly four decimal numbers; glibc's also refuses leading zeros. */
    if (inet_pton(AF_INET, copy, address->bytes) == 1) return true;
    address->v6 = true;
    if (inet_pton(AF_INET6, copy, address->bytes) != 1) return false;
    unmap(address);
    return true;
}

bool address_from_sockaddr(struct address *address, uint16_t *port, const struct sockaddr *socket_address) {
    memset(address, 0, sizeof *address);
    if (socket_address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, socket_address, sizeof in);
        memcpy(address->bytes, &in.sin_addr, 4);
        *port = ntohs(in.sin_port);
        return true;
    }
    if (socket_address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, socket_address, sizeof in6);
        address->v6 = true;
        memcpy(address->bytes, &in6.sin6_addr, 16);
        *port = ntohs(in6.sin6_port);
        unmap(address);
        return true;
    }
    return false;
}

void address_text(const struct address *address, char text[ADDRESS_TEXT_BYTES]) {
    if (inet_ntop(address->v6 ? AF_INET6 : AF_INET, address->bytes, text, ADDRESS_TEXT_BYTES) == NULL) text[0] = '\0';
}

static bool parse_port(const char *text, size_t length, uint16_t *port) {
    int64_t value;
    if (!parse_decimal(text, length, 65535, &value) || value == 0) return false;
    *port = (uint16_t)value;
    return true;
}

bool address_range_parse(struct address_range *range, const char *text, size_t length) {
    const char *slash, *colon = NULL;
    int64_t prefix;
    unsigned bit;
    memset(range, 0, sizeof *range);
    if (length > 0 && text[0] == '[') {
        const char *close = memchr(text, ']', length);
        if (close == NULL) return false;
        if (close + 1 < text + length) {
            if (close[1] != ':' || !parse_port(close + 2, (size_t)(text + length - close - 2), &range->port)) return false;
        }
        text++;
        length = (size_t)(close - text);
        if (memchr(text, ':', length) == NULL) return false;
    } else {
        colon = memchr(text, ':', length);
        /* One colon is a port; more are IPv6, which needs brackets to have one. */
        if (colon != NULL && memchr(colon + 1, ':', (size_t)(text + length - colon - 1)) == NULL) {
            if (!parse_port(colon + 1, (size_t)(text + length - colon - 1), &range->port)) return false;
            length = (size_t)(colon - text);
        }
    }
    slash = memchr(text, '/', length);
    if (!address_parse(&range->base, text, slash == NULL ? length : (size_t)(slash - text))) return false;
    range->prefix = range->base.v6 ? 128 : 32;
    if (slash != NULL) {
        /* A mapped address with a prefix is more likely a mistake than a wish. */
        if (!range->base.v6 && memchr(text, ':', length) != NULL) return false;
        if (!parse_decimal(slash + 1, (size_t)(text + length - slash - 1), range->prefix, &prefix)) return false;
        range->prefix = (unsigned)prefix;
    }
    /* Bits behind the prefix would silently be dropped: "10.0.0.1/8" is a mistake too. */
    for (bit = range->prefix; bit < (range->base.v6 ? 128u : 32u); bit++) {
        if (range->base.bytes[bit / 8] >> (7 - bit % 8) & 1) return false;
    }
    return true;
}

bool address_numeric_name(const char *host, size_t length) {
    size_t start, i;
    if (length > 0 && host[length - 1] == '.') length--;
    for (start = length; start > 0 && host[start - 1] != '.'; start--) {
    }
    if (start == length) return true; /* empty, or an empty last label */
    if (length - start >= 2 && host[start] == '0' && ascii_lower(host[start + 1]) == 'x') {
        for (i = start + 2; i < length; i++) {
            char c = ascii_lower(host[i]);
            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
        }
        return true;
    }
    for (i = start; i < length; i++) {
        if (host[i] < '0' || host[i] > '9') return false;
    }
    return true;
}
