#include "queue.h"

#include <stdlib.h>

/* There as long as attempts for it are. */
struct origin {
    struct origin *next;
    bool https;
    uint16_t port;
    char host[URL_MOST_HOST + 1];
    int64_t limit, active;
    size_t users;
    struct attempt_list held;
};

void queue_init(struct queue *q, const struct config *config) {
    memset(q, 0, sizeof *q);
    q->config = config;
}

static struct origin **place_of(struct queue *q, bool https, uint16_t port, const char *host) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    const char *c;
    struct origin **place;
    for (c = host; *c != '\0'; c++) hash = (hash ^ (unsigned char)*c) * 16777619u;
    hash = (hash ^ port) * 16777619u;
    for (place = &q->origins[hash % QUEUE_BUCKETS]; *place != NULL; place = &(*place)->next) {
        if ((*place)->https == https && (*place)->port == port && strcmp((*place)->host, host) == 0) break;
    }
    return place;
}

static int64_t limit_of(const struct config *config, const struct url *url) {
    const struct host_config *host = config->host_count > 0 ? config_host(config, url) : NULL;
    return host != NULL && host->connections > 0 ? host->connections : config->max_per_host;
}

bool queue_enter(struct queue *q, struct attempt *a) {
    int64_t limit = limit_of(q->config, &a->url);
    struct origin **place;
    if (limit > 0) {
        place = place_of(q, a->url.https, a->url.port, a->url.host);
        if (*place == NULL) {
            *place = calloc(1, sizeof **place);
            if (*place == NULL) return false;
            (*place)->https = a->url.https;
            (*place)->port = a->url.port;
            strcpy((*place)->host, a->url.host);
        }
        a->origin = *place;
        a->origin->limit = limit;
        a->origin->users++;
        if (a->origin->active >= limit) {
            attempt_list_add(&a->origin->held, a);
            q->held++;
            a->phase = PHASE_QUEUED;
            return true;
        }
        a->origin->active++;
        a->counted = true;
    }
    attempt_list_add(&q->ready, a);
    a->phase = PHASE_QUEUED;
    return true;
}

bool queue_has(const struct queue *q) {
    return q->ready.first != NULL && q->placed < q->config->max_connections;
}

struct attempt *queue_take(struct queue *q) {
    struct attempt *a = q->ready.first;
    attempt_list_remove(a);
    a->phase = PHASE_NEW;
    a->placed = true;
    q->placed++;
    return a;
}

static void admit(struct queue *q, struct origin *origin) {
    struct attempt *next = origin->held.first;
    if (next == NULL || origin->active >= origin->limit) return;
    attempt_list_remove(next);
    q->held--;
    origin->active++;
    next->counted = true;
    attempt_list_add(&q->ready, next);
}

void queue_leave(struct queue *q, struct attempt *a) {
    struct origin *origin = a->origin;
    if (a->placed) q->placed--;
    a->placed = false;
    if (origin != NULL && a->list == &origin->held) q->held--;
    attempt_list_remove(a);
    if (origin == NULL) return;
    if (a->counted) origin->active--;
    a->counted = false;
    a->origin = NULL;
    admit(q, origin);
    if (--origin->users == 0) {
        *place_of(q, origin->https, origin->port, origin->host) = origin->next;
        free(origin);
    }
}

void queue_lists(struct queue *q, void (*visit)(struct attempt_list *list, void *context), void *context) {
    struct origin *origin, *next;
    size_t i;
    visit(&q->ready, context);
    for (i = 0; i < QUEUE_BUCKETS && q->held > 0; i++) {
        for (origin = q->origins[i]; origin != NULL; origin = next) {
            next = origin->next; /* the last that leaves takes it away */
            visit(&origin->held, context);
        }
    }
}
