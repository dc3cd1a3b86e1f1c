/*
 * The net grant `list`. In the network namespace the loopback device has each granted address, /etc/hosts has each granted
 * name with the address that the host found and pinned, and each granted port has a listening socket there. The outer, which is
 * outside, accepts there and connects to that address: a program keeps its name, its SNI, its port and what it thinks of the
 * address, and reaches nothing else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sandbox.h"

/* linux/ipv6.h, which does not go together with netinet/in.h. */
struct in6_ifreq {
    struct in6_addr ifr6_addr;
    uint32_t ifr6_prefixlen;
    int ifr6_ifindex;
};

enum { CONNECTIONS = 256, PART = 16 * 1024 };

/* One direction: what was read from one end and is not written to the other. */
typedef struct way {
    size_t start;
    size_t length;
    int is_over; /* no more will be read */
    int is_told; /* and the other end knows */
    uint8_t bytes[PART];
} way;

typedef struct connection {
    int ends[2]; /* the plugin's, the world's */
    int is_connecting;
    way ways[2]; /* from each end to the other */
} connection;

/* Where a relay leads. */
typedef struct target {
    struct sockaddr_storage address;
    socklen_t length;
} target;

static int listeners[SANDBOX_RELAYS];
static target targets[SANDBOX_RELAYS];
static connection *connections[CONNECTIONS];

/* "PORT ADDRESS" of a relay, behind its name; NULL if it is malformed. */
static const char *place_of(const sandbox *box, size_t index) {
    char name[300];
    return sandbox_split(sandbox_text(box->setup.relays.items[index]), name, sizeof name);
}

/* Two names may lead to one place; it is listened at once. */
static int is_repeated(const sandbox *box, size_t index) {
    const char *place = place_of(box, index);
    for (size_t i = 0; i < index && place != NULL; i++) {
        const char *other = place_of(box, i);
        if (other != NULL && strcmp(place, other) == 0) return 1;
    }
    return 0;
}

void relay_address(const sandbox *box, size_t index, char *text, size_t capacity) {
    char port[16];
    const char *place = place_of(box, index);
    const char *address = place == NULL ? NULL : sandbox_split(place, port, sizeof port);
    snprintf(text, capacity, "%s", address == NULL ? "" : address);
}

static int make_address(const char *text, unsigned port, struct sockaddr_storage *address, socklen_t *length) {
    struct sockaddr_in *four = (void *)address;
    struct sockaddr_in6 *six = (void *)address;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        *length = sizeof *four;
        return 1;
    }
    if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1) return 0;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    *length = sizeof *six;
    return 1;
}

/* "NAME PORT ADDRESS" */
static int parse(const sandbox *box, size_t index, unsigned *port, struct sockaddr_storage *address, socklen_t *length) {
    char name[300], number[16];
    const char *rest = sandbox_split(sandbox_text(box->setup.relays.items[index]), name, sizeof name);
    const char *target = rest == NULL ? NULL : sandbox_split(rest, number, sizeof number);
    unsigned long value = target == NULL ? 0 : strtoul(number, NULL, 10);
    if (value < 1 || value > 65535) return 0;
    *port = (unsigned)value;
    return make_address(target, *port, address, length);
}

/* Gives the loopback device an address that the world has, so that who connects to it ends here. */
static int own_address(size_t index, const struct sockaddr_storage *address) {
    int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int done;
    if (address->ss_family == AF_INET) {
        struct ifreq request = { 0 };
        snprintf(request.ifr_name, sizeof request.ifr_name, "lo:%u", (unsigned)(index + 1) & 0xffff);
        memcpy(&request.ifr_addr, address, sizeof(struct sockaddr_in));
        done = ioctl(fd, SIOCSIFADDR, &request) == 0;
        ((struct sockaddr_in *)(void *)&request.ifr_addr)->sin_addr.s_addr = 0xffffffff;
        done = done ? ioctl(fd, SIOCSIFNETMASK, &request) == 0 : errno == EEXIST;
    } else {
        struct in6_ifreq request = { .ifr6_prefixlen = 128, .ifr6_ifindex = 1 };
        request.ifr6_addr = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        done = ioctl(fd, SIOCSIFADDR, &request) == 0 || errno == EEXIST;
    }
    int error = errno;
    if (fd >= 0) close(fd);
    errno = error;
    return done;
}

static int listen_at(const sandbox *box, size_t index) {
    unsigned port;
    struct sockaddr_storage address;
    socklen_t length;
    char text[64];
    errno = EINVAL;
    if (!parse(box, index, &port, &address, &length)) return -1;
    relay_address(box, index, text, sizeof text);
    int has_loopback = strncmp(text, "127.", 4) == 0 || strcmp(text, "::1") == 0;
    if (!has_loopback && !own_address(index, &address)) return -1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const struct timespec step = { .tv_nsec = 1000 * 1000 };
    int bound = fd >= 0 && bind(fd, (const struct sockaddr *)&address, length) == 0;
    /* The kernel takes a moment until an address of IPv6 that it was just given is one. */
    for (int i = 0; fd >= 0 && !bound && errno == EADDRNOTAVAIL && i < 2000; i++) {
        nanosleep(&step, NULL);
        bound = bind(fd, (const struct sockaddr *)&address, length) == 0;
    }
    if (bound && listen(fd, 64) == 0) return fd;
    int error = errno;
    if (fd >= 0) close(fd);
    errno = error;
    return -1;
}

static int pass(int link, int fd) {
    char byte = 0;
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .room = { 0 } };
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room,
                              .msg_controllen = sizeof control.room };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(link, &message, MSG_NOSIGNAL) == 1;
}

int relay_listen(sandbox *box) {
    for (size_t i = 0; i < box->setup.relays.count; i++) {
        if (is_repeated(box, i)) continue;
        int fd = listen_at(box, i);
        if (fd < 0 || !pass(box->link, fd)) return sandbox_refuse(box, "network relay", "listening");
        close(fd);
    }
    return 1;
}

static int take_one(int link) {
    char byte;
    int fd = -1;
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room,
                              .msg_controllen = sizeof control.room };
    if (recvmsg(link, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

int relay_take(sandbox *box) {
    unsigned port;
    for (size_t i = 0; i < box->setup.relays.count; i++) {
        /* Once: texts of the set-up stay in memory, and connections are many. */
        if (!parse(box, i, &port, &targets[i].address, &targets[i].length)) return 0;
        listeners[i] = is_repeated(box, i) ? -1 : take_one(box->link);
        if (listeners[i] < 0 && !is_repeated(box, i)) return 0; /* init has failed, and has said so */
    }
    return 1;
}

static void end_connection(connection **place) {
    close((*place)->ends[0]);
    close((*place)->ends[1]);
    free(*place);
    *place = NULL;
}

/* An end that is gone without a word is found out, also when nothing is to be sent to it. */
static void keep_alive(int fd) {
    const int on = 1, idle = 60, interval = 15, probes = 4;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

static void begin_connection(size_t index) {
    const target *target = &targets[index];
    int inside = accept4(listeners[index], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (inside < 0) return;
    size_t place = 0;
    while (place < CONNECTIONS && connections[place] != NULL) place++;
    connection *made = place < CONNECTIONS ? calloc(1, sizeof *made) : NULL;
    int outside = made == NULL ? -1 : socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (outside < 0
        || (connect(outside, (const struct sockaddr *)&target->address, target->length) != 0 && errno != EINPROGRESS)) {
        if (outside >= 0) close(outside);
        free(made);
        close(inside);
        return;
    }
    keep_alive(inside);
    keep_alive(outside);
    made->ends[0] = inside;
    made->ends[1] = outside;
    made->is_connecting = 1;
    connections[place] = made;
}

/* What an end is waited for. */
static short wanted(const connection *connection, int end) {
    const way *out = &connection->ways[end], *in = &connection->ways[1 - end];
    if (connection->is_connecting) return end == 1 ? POLLOUT : 0;
    return (short)((!out->is_over && out->length == 0 ? POLLIN : 0) | (in->length > 0 ? POLLOUT : 0));
}

/* An end that has said all and still listens: nothing is waited for there but that it goes. */
static int is_quiet(const connection *connection, int end) {
    const way *out = &connection->ways[end], *in = &connection->ways[1 - end];
    return !connection->is_connecting && out->is_over && out->length == 0 && !in->is_told && in->length == 0;
}

/* 0: the connection is broken. */
static int move(connection *connection, int from) {
    way *way = &connection->ways[from];
    int source = connection->ends[from], target = connection->ends[1 - from];
    if (way->length == 0 && !way->is_over) {
        ssize_t got = read(source, way->bytes, PART);
        if (got < 0 && errno != EAGAIN && errno != EINTR) return 0;
        if (got == 0) way->is_over = 1;
        way->start = 0;
        way->length = got > 0 ? (size_t)got : 0;
    }
    while (way->length > 0) {
        ssize_t sent = send(target, way->bytes + way->start, way->length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) return errno == EAGAIN || errno == EINTR;
        way->start += (size_t)sent;
        way->length -= (size_t)sent;
    }
    if (way->is_over && !way->is_told) {
        shutdown(target, SHUT_WR);
        way->is_told = 1;
    }
    return 1;
}

/* 0: it is over. */
static int serve(connection *connection) {
    if (connection->is_connecting) {
        int error = 0;
        socklen_t length = sizeof error;
        if (getsockopt(connection->ends[1], SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) return 0;
        connection->is_connecting = 0;
    }
    if (!move(connection, 0) || !move(connection, 1)) return 0;
    return !(connection->ways[0].is_told && connection->ways[1].is_told);
}

void relay_run(const sandbox *box, int ended) {
    static struct pollfd fds[1 + SANDBOX_RELAYS + 2 * CONNECTIONS];
    size_t relays = box->setup.relays.count;
    for (;;) {
        size_t count = 1 + relays;
        int is_full = 1;
        for (size_t i = 0; i < CONNECTIONS; i++) {
            if (connections[i] == NULL) is_full = 0;
            for (int end = 0; end < 2; end++) {
                short events = connections[i] == NULL ? 0 : wanted(connections[i], end);
                int is_watched = connections[i] != NULL && (events != 0 || is_quiet(connections[i], end));
                int fd = is_watched ? connections[i]->ends[end] : -1;
                fds[count++] = (struct pollfd){ .fd = fd, .events = events };
            }
        }
        fds[0] = (struct pollfd){ .fd = ended, .events = POLLIN };
        for (size_t i = 0; i < relays; i++) fds[1 + i] = (struct pollfd){ .fd = is_full ? -1 : listeners[i], .events = POLLIN };
        if (poll(fds, count, -1) < 0) continue;
        if (fds[0].revents != 0) return;
        for (size_t i = 0; i < CONNECTIONS; i++) {
            const struct pollfd *both = &fds[1 + relays + 2 * i];
            if (connections[i] == NULL || (both[0].revents | both[1].revents) == 0) continue;
            int is_gone = 0;
            for (int end = 0; end < 2; end++) {
                is_gone |= is_quiet(connections[i], end) && (both[end].revents & (POLLHUP | POLLERR)) != 0;
            }
            if (is_gone || !serve(connections[i])) end_connection(&connections[i]);
        }
        for (size_t i = 0; i < relays; i++) {
            if (fds[1 + i].revents != 0) begin_connection(i);
        }
    }
}
