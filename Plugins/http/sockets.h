/* The sockets of a loop's transfers, watched by epoll, so that what happens on one costs nothing for the others. */
#ifndef SPINDLE_HTTP_SOCKETS_H
#define SPINDLE_HTTP_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockets {
    CURLM *multi;
    int epoll, wake;          /* `wake`: an eventfd */
    struct socket_watch *all; /* by descriptor */
    size_t capacity;
    int64_t due_ns; /* when libcurl wants to be called; INT64_MAX = not before something happens */
    bool look;      /* libcurl has to look at all transfers once more */
    bool unwatched; /* epoll would not watch one: that is tried again */
};

/* Has libcurl tell which sockets it waits for. What it made is to be freed in any case. */
bool sockets_init(struct sockets *sockets, CURLM *multi);
/* After the multi handle is gone. */
void sockets_free(struct sockets *sockets);
/* For each transfer, before it is added: it gives its sockets back here. */
void sockets_prepare(struct sockets *sockets, CURL *easy);
/* A new socket for such a transfer, as its CURLOPT_OPENSOCKETFUNCTION has to make it. */
curl_socket_t sockets_open(struct sockets *sockets, const struct curl_sockaddr *where);
/* Waits at most so long, and has libcurl do what there is to do; not with the wait itself. */
void sockets_serve(struct sockets *sockets, int64_t milliseconds);
/* Ends the wait, or the next one. From any thread. */
void sockets_wake(struct sockets *sockets);

#endif
