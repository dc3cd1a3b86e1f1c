/* Stands in for getaddrinfo: the plugin's call binds to the program's own. Names under .test only. */
#include "fake_dns.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *addresses;
    int error;
} names[] = {
    {"good.test", "127.0.0.1", 0},
    {"other.test", "127.0.0.1", 0},
    {"two.test", "127.0.0.1 127.0.0.2", 0},
    {"firstdead.test", "127.0.0.9 127.0.0.1", 0},
    {"latedead.test", "127.0.0.8 127.0.0.1", 0},
    {"localhost", "127.0.0.1", 0},
    {"metadata.test", "169.254.169.254", 0},
    {"mixed.test", "127.0.0.1 169.254.169.254", 0},
    {"mapped.test", "::ffff:169.254.169.254", 0},
    {"nat64.test", "64:ff9b::a9fe:a9fe", 0},
    {"sixtofour.test", "2002:a9fe:a9fe::1", 0},
    {"again.test", "", EAI_AGAIN},
    {"private.test", "10.1.2.3", 0},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int open_gate, waiting, rebinds;
atomic_int fake_dns_calls;

void fake_dns_open_gate(void) {
    pthread_mutex_lock(&lock);
    open_gate = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void fake_dns_await_waiter(void) {
    pthread_mutex_lock(&lock);
    while (waiting == 0) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static struct addrinfo *make(const char *text, struct addrinfo *next) {
    struct addrinfo *info = calloc(1, sizeof *info);
    struct sockaddr_storage *storage = calloc(1, sizeof *storage);
    struct sockaddr_in *in = (struct sockaddr_in *)storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
    } else {
        inet_pton(AF_INET6, text, &in6->sin6_addr);
        in6->sin6_family = AF_INET6;
    }
    info->ai_family = storage->ss_family;
    info->ai_addr = (struct sockaddr *)storage;
    info->ai_next = next;
    return info;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    char copy[256], *word, *rest = copy;
    struct addrinfo *head = NULL, **end = &head;
    const char *addresses = NULL;
    size_t i;
    (void)service, (void)hints;
    atomic_fetch_add(&fake_dns_calls, 1);
    if (strcmp(name, "slow.test") == 0) {
        pthread_mutex_lock(&lock);
        waiting++;
        pthread_cond_broadcast(&changed);
        while (!open_gate) pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
        addresses = "127.0.0.1";
    }
    /* Good for the check, bad for whoever asks again. */
    if (strcmp(name, "rebind.test") == 0) {
        pthread_mutex_lock(&lock);
        addresses = rebinds++ == 0 ? "127.0.0.1" : "169.254.169.254";
        pthread_mutex_unlock(&lock);
    }
    for (i = 0; addresses == NULL && i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, name) != 0) continue;
        if (names[i].error != 0) return names[i].error;
        addresses = names[i].addresses;
    }
    if (addresses == NULL) return EAI_NONAME;
    strcpy(copy, addresses);
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        *end = make(word, NULL);
        end = &(*end)->ai_next;
    }
    *found = head;
    return 0;
}

void freeaddrinfo(struct addrinfo *info) {
    while (info != NULL) {
        struct addrinfo *next = info->ai_next;
        free(info->ai_addr);
        free(info);
        info = next;
    }
}
