#include "sockets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "thread.h"

#define MOST_EVENTS 128
#define RETRY_MS 100

struct socket_watch {
    uint8_t watched; /* CURL_POLL_*: what epoll was asked for, also if libcurl wants it no more */
    uint8_t wanted;  /* CURL_POLL_*: what libcurl wants */
    bool ours;       /* made by sockets_open */
    bool connecting; /* it was never wanted for reading */
};

/* Tells epoll what to watch a socket for; 0 ends it. */
static bool watch(struct sockets *s, curl_socket_t fd, uint8_t what) {
    struct socket_watch *one = &s->all[fd];
    struct epoll_event event = {.data = {.fd = fd}};
    int operation = one->watched == 0 ? EPOLL_CTL_ADD : what == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    if (one->watched == what) return true;
    if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
    /* One that is closed already is not watched either. */
    if (epoll_ctl(s->epoll, operation, fd, &event) != 0 && what != 0) return false;
    one->watched = what;
    return true;
}

static bool make_room(struct sockets *s, curl_socket_t fd) {
    size_t capacity = s->capacity == 0 ? 256 : s->capacity;
    struct socket_watch *longer;
    while (capacity <= (size_t)fd) capacity *= 2;
    if (capacity == s->capacity) return true;
    longer = realloc(s->all, capacity * sizeof *longer);
    if (longer == NULL) return false;
    memset(longer + s->capacity, 0, (capacity - s->capacity) * sizeof *longer);
    s->all = longer;
    s->capacity = capacity;
    return true;
}

/* libcurl 7.88 tries the next address only when it looks at the transfer again, and for that it waits for nothing. */
static void given_up(struct sockets *s, struct socket_watch *one) {
    if (one->connecting) s->look = true;
    one->connecting = false;
}

/* A connection that is kept for the next request stays watched: mostly that one comes before anything else happens. */
static int want(CURL *easy, curl_socket_t fd, int what, void *context, void *own) {
    struct sockets *s = context;
    (void)easy, (void)own;
    if (!make_room(s, fd)) {
        s->unwatched = true;
        return 0; /* an error would end all transfers, without a word */
    }
    if (what == CURL_POLL_REMOVE) given_up(s, &s->all[fd]);
    if ((what & CURL_POLL_IN) != 0) s->all[fd].connecting = false;
    s->all[fd].wanted = what == CURL_POLL_REMOVE ? 0 : (uint8_t)what;
    if (what == CURL_POLL_REMOVE && s->all[fd].ours) return 0;
    if (!watch(s, fd, s->all[fd].wanted)) s->unwatched = true;
    return 0;
}

static int closed(void *context, curl_socket_t fd) {
    struct sockets *s = context;
    if ((size_t)fd < s->capacity) {
        given_up(s, &s->all[fd]);
        s->all[fd] = (struct socket_watch){0}; /* epoll forgets it by itself */
    }
    return close(fd);
}

static int call_me(CURLM *multi, long milliseconds, void *context) {
    struct sockets *s = context;
    (void)multi;
    s->due_ns = milliseconds < 0 ? INT64_MAX : clock_mono_ns() + (int64_t)milliseconds * 1000000;
    return 0;
}

bool sockets_init(struct sockets *s, CURLM *multi) {
    struct epoll_event event = {.events = EPOLLIN};
    memset(s, 0, sizeof *s);
    s->multi = multi;
    s->due_ns = INT64_MAX;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->epoll < 0 || s->wake < 0) return false;
    event.data.fd = s->wake;
    return epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->wake, &event) == 0 &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, want) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, s) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, call_me) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, s) == CURLM_OK;
}

void sockets_free(struct sockets *s) {
    if (s->multi == NULL) return; /* it never began */
    if (s->epoll >= 0) close(s->epoll);
    if (s->wake >= 0) close(s->wake);
    free(s->all);
}

void sockets_prepare(struct sockets *s, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, closed);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, s);
}

curl_socket_t sockets_open(struct sockets *s, const struct curl_sockaddr *where) {
    curl_socket_t fd = socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    if (!make_room(s, fd)) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    /* libcurl does not tell of each that it closed. */
    s->all[fd] = (struct socket_watch){.ours = true, .connecting = true};
    return fd;
}

void sockets_wake(struct sockets *s) {
    const uint64_t one = 1;
    ssize_t written = write(s->wake, &one, sizeof one);
    (void)written; /* it is woken already if there is no room */
}

static void happened(struct sockets *s, const struct epoll_event *event) {
    int fd = event->data.fd, what = 0, running;
    uint64_t count;
    if (fd == s->wake) {
        ssize_t taken = read(fd, &count, sizeof count);
        (void)taken;
        return;
    }
    if (s->all[fd].wanted == 0) {
        (void)watch(s, fd, 0); /* the server ended a connection that nobody uses: libcurl sees that when it takes it */
        return;
    }
    if ((event->events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
    if ((event->events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
    if ((event->events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
    curl_multi_socket_action(s->multi, fd, what, &running);
}

static int timeout(const struct sockets *s, int64_t milliseconds) {
    int64_t left;
    if (s->unwatched && milliseconds > RETRY_MS) milliseconds = RETRY_MS;
    if (s->look) milliseconds = 0;
    if (s->due_ns == INT64_MAX) return (int)milliseconds;
    left = (s->due_ns - clock_mono_ns() + 999999) / 1000000;
    if (left < 0) left = 0;
    return (int)(left < milliseconds ? left : milliseconds);
}

static void watch_again(struct sockets *s) {
    size_t fd;
    s->unwatched = false;
    for (fd = 0; fd < s->capacity; fd++) {
        if (s->all[fd].wanted != 0 && !watch(s, (curl_socket_t)fd, s->all[fd].wanted)) s->unwatched = true;
    }
    s->look = true; /* something may have happened meanwhile */
}

static void look_at_all(struct sockets *s) {
    int running;
    s->look = false; /* before: another address may be given up in there */
    /* Deprecated since it costs as much as there are transfers; there is no other way to make libcurl tell of new sockets. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    curl_multi_socket_all(s->multi, &running);
#pragma GCC diagnostic pop
}

void sockets_serve(struct sockets *s, int64_t milliseconds) {
    struct epoll_event events[MOST_EVENTS];
    int count = epoll_wait(s->epoll, events, MOST_EVENTS, timeout(s, milliseconds)), i, running;
    for (i = 0; i < count; i++) happened(s, &events[i]);
    if (s->due_ns <= clock_mono_ns()) {
        s->due_ns = INT64_MAX; /* before: it may want to be called again */
        curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    if (s->unwatched) watch_again(s);
    if (s->look) look_at_all(s);
}
