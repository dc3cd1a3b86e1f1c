#include "resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "thread.h"

#define MOST_THREADS 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static struct lookup *first, **last = &first;
static pthread_t threads[MOST_THREADS];
static int thread_count, idle_count;
static size_t queued_count;
static bool stopping;

static void resolve(struct lookup *lookup) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL, *item;
    uint16_t port;
    lookup->error = getaddrinfo(lookup->host, NULL, &hints, &found);
    if (lookup->error != 0) return;
    for (item = found; item != NULL; item = item->ai_next) {
        /* All have to be judged: with more than we can hold the answer is not trusted at all. */
        if (lookup->count == LOOKUP_MOST_ADDRESSES) {
            lookup->error = EAI_OVERFLOW;
            break;
        }
        if (address_from_sockaddr(&lookup->addresses[lookup->count], &port, item->ai_addr)) lookup->count++;
    }
    if (lookup->count == 0) lookup->error = EAI_NONAME;
    freeaddrinfo(found);
}

static void *work(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        struct lookup *lookup;
        while (first == NULL && !stopping) {
            idle_count++;
            pthread_cond_wait(&wake, &lock);
            idle_count--;
        }
        if (first == NULL) break;
        lookup = first;
        first = lookup->next;
        if (first == NULL) last = &first;
        queued_count--;
        lookup->state = LOOKUP_RUNNING;
        pthread_mutex_unlock(&lock);
        resolve(lookup);
        pthread_mutex_lock(&lock);
        if (lookup->state == LOOKUP_ABANDONED) {
            free(lookup);
            continue;
        }
        lookup->state = LOOKUP_DONE;
        /* Under the lock, so that lookup_end can promise that it is not running. */
        lookup->done(lookup->context);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

struct lookup *lookup_start(const char *host, void (*done)(void *context), void *context) {
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL || strlen(host) >= sizeof lookup->host) {
        free(lookup);
        return NULL;
    }
    strcpy(lookup->host, host);
    lookup->done = done;
    lookup->context = context;
    pthread_mutex_lock(&lock);
    if (queued_count >= (size_t)idle_count && thread_count < MOST_THREADS && !stopping &&
        thread_start(&threads[thread_count], "resolver", work, NULL)) {
        thread_count++;
    }
    if (thread_count == 0) {
        pthread_mutex_unlock(&lock);
        free(lookup);
        return NULL;
    }
    *last = lookup;
    last = &lookup->next;
    queued_count++;
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
    return lookup;
}

void lookup_end(struct lookup *lookup) {
    struct lookup **link;
    if (lookup == NULL) return;
    pthread_mutex_lock(&lock);
    if (lookup->state == LOOKUP_RUNNING) {
        lookup->state = LOOKUP_ABANDONED; /* the thread frees it */
        lookup = NULL;
    } else if (lookup->state == LOOKUP_QUEUED) {
        for (link = &first; *link != lookup; link = &(*link)->next) {
        }
        *link = lookup->next;
        if (*link == NULL) last = link;
        queued_count--;
    }
    pthread_mutex_unlock(&lock);
    free(lookup);
}

void resolver_stop(void) {
    int count, i;
    pthread_mutex_lock(&lock);
    stopping = true;
    count = thread_count;
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
    for (i = 0; i < count; i++) pthread_join(threads[i], NULL);
    pthread_mutex_lock(&lock);
    thread_count = 0;
    stopping = false;
    pthread_mutex_unlock(&lock);
}
