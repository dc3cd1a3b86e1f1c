#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 64

struct proxy {
    enum proxy_kind kind;
    int broker_port, port, listener, wake, count;
    struct {
        int client, broker;
    } pairs[MOST];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int hold, deaf, cut, stop, connections, cuts;
    char inject[64];
    int inject_length;
    long long bytes, deaf_at;
};

static int connect_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static void drop(struct proxy *p, int i) {
    close(p->pairs[i].client);
    if (p->pairs[i].broker >= 0) close(p->pairs[i].broker);
    p->pairs[i] = p->pairs[--p->count];
}

static void accept_one(struct proxy *p) {
    static const char garbage[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 11\r\nConnection: close\r\n\r\nnot for you";
    int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) return;
    pthread_mutex_lock(&p->lock);
    p->connections++;
    pthread_mutex_unlock(&p->lock);
    if (p->kind == PROXY_GARBAGE) (void)!send(client, garbage, sizeof garbage - 1, MSG_NOSIGNAL);
    p->pairs[p->count].client = client;
    p->pairs[p->count].broker = p->kind == PROXY_FORWARD ? connect_to(p->broker_port) : -1;
    if (p->kind == PROXY_FORWARD && p->pairs[p->count].broker < 0) close(client);
    else p->count++;
}

/* Returns -1 when the connection is over. */
static ssize_t move(int from, int to) {
    char buffer[65536];
    ssize_t n = recv(from, buffer, sizeof buffer, 0), at = 0;
    if (n <= 0) return -1;
    while (to >= 0 && at < n) {
        ssize_t sent = send(to, buffer + at, (size_t)(n - at), MSG_NOSIGNAL);
        if (sent < 0) return -1;
        at += sent;
    }
    return n;
}

static void *run(void *argument) {
    struct proxy *p = argument;
    for (;;) {
        struct pollfd files[2 + 2 * MOST];
        uint64_t count;
        int i, pairs, deaf, hold, cut, stop;
        pthread_mutex_lock(&p->lock);
        if (p->deaf_at > 0 && p->bytes >= p->deaf_at) {
            p->deaf = 1;
            p->deaf_at = 0;
        }
        deaf = p->deaf;
        hold = p->hold;
        cut = p->cut;
        stop = p->stop;
        p->cut = 0;
        if (p->inject_length > 0 && p->count > 0) {
            (void)!send(p->pairs[0].client, p->inject, (size_t)p->inject_length, MSG_NOSIGNAL);
            p->inject_length = 0;
        }
        pthread_mutex_unlock(&p->lock);
        while ((cut || stop) && p->count > 0) drop(p, 0);
        if (cut) {
            pthread_mutex_lock(&p->lock);
            p->cuts++;
            pthread_cond_broadcast(&p->changed);
            pthread_mutex_unlock(&p->lock);
        }
        if (stop) return NULL;
        files[0] = (struct pollfd){p->listener, POLLIN, 0};
        files[1] = (struct pollfd){p->wake, POLLIN, 0};
        pairs = p->count;
        for (i = 0; i < pairs; i++) {
            files[2 + 2 * i] = (struct pollfd){deaf ? -1 : p->pairs[i].client, POLLIN, 0};
            files[3 + 2 * i] = (struct pollfd){hold ? -1 : p->pairs[i].broker, POLLIN, 0};
        }
        poll(files, (nfds_t)(2 + 2 * pairs), -1);
        if (files[1].revents) (void)!read(p->wake, &count, sizeof count);
        for (i = pairs - 1; i >= 0; i--) {
            ssize_t n = 0, m = 0;
            if (files[2 + 2 * i].revents) n = move(p->pairs[i].client, p->pairs[i].broker);
            if (files[3 + 2 * i].revents) m = move(p->pairs[i].broker, p->pairs[i].client);
            if (n > 0) {
                pthread_mutex_lock(&p->lock);
                p->bytes += n;
                pthread_cond_broadcast(&p->changed);
                pthread_mutex_unlock(&p->lock);
            }
            if (n < 0 || m < 0) drop(p, i);
        }
        if (files[0].revents && p->count < MOST) accept_one(p);
    }
}

struct proxy *proxy_start(enum proxy_kind kind, int broker_port) {
    struct proxy *p = calloc(1, sizeof *p);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    p->kind = kind;
    p->broker_port = broker_port;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(p->listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(p->listener, 64) != 0) abort();
    getsockname(p->listener, (struct sockaddr *)&address, &size);
    p->port = ntohs(address.sin_port);
    p->wake = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    pthread_create(&p->thread, NULL, run, p);
    return p;
}

int proxy_port(const struct proxy *p) {
    return p->port;
}

static void change(struct proxy *p, int *what, int value) {
    const uint64_t one = 1;
    pthread_mutex_lock(&p->lock);
    *what = value;
    pthread_mutex_unlock(&p->lock);
    (void)!write(p->wake, &one, sizeof one);
}

void proxy_hold(struct proxy *p, int hold) {
    change(p, &p->hold, hold);
}

void proxy_deafen(struct proxy *p, int deaf) {
    change(p, &p->deaf, deaf);
}

void proxy_deafen_at(struct proxy *p, long long bytes) {
    pthread_mutex_lock(&p->lock);
    p->deaf_at = bytes;
    pthread_mutex_unlock(&p->lock);
}

void proxy_cut(struct proxy *p) {
    const uint64_t one = 1;
    int cuts;
    pthread_mutex_lock(&p->lock);
    cuts = p->cuts;
    p->cut = 1;
    (void)!write(p->wake, &one, sizeof one);
    while (p->cuts == cuts) pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void proxy_inject(struct proxy *p, const char *bytes, int length) {
    pthread_mutex_lock(&p->lock);
    memcpy(p->inject, bytes, (size_t)length);
    pthread_mutex_unlock(&p->lock);
    change(p, &p->inject_length, length);
}

void proxy_wait_bytes(struct proxy *p, long long bytes) {
    pthread_mutex_lock(&p->lock);
    while (p->bytes < bytes) pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

long long proxy_bytes(struct proxy *p) {
    long long bytes;
    pthread_mutex_lock(&p->lock);
    bytes = p->bytes;
    pthread_mutex_unlock(&p->lock);
    return bytes;
}

int proxy_connections(struct proxy *p) {
    int connections;
    pthread_mutex_lock(&p->lock);
    connections = p->connections;
    pthread_mutex_unlock(&p->lock);
    return connections;
}

void proxy_stop(struct proxy *p) {
    change(p, &p->stop, 1);
    pthread_join(p->thread, NULL);
    close(p->listener);
    close(p->wake);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    free(p);
}
