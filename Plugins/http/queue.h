/* Who may start: maxConnections for all, connections for each origin. On the loop's thread alone. */
#ifndef SPINDLE_HTTP_QUEUE_H
#define SPINDLE_HTTP_QUEUE_H

#include "attempt.h"

#define QUEUE_BUCKETS 64

struct queue {
    const struct config *config;
    struct attempt_list ready; /* a place of their origin is theirs */
    int64_t placed;
    struct origin *origins[QUEUE_BUCKETS];
    size_t held; /* attempts that wait for a place of their origin */
};

void queue_init(struct queue *queue, const struct config *config);
/* Puts it at the end, by the origin of a->url. False without memory. */
bool queue_enter(struct queue *queue, struct attempt *a);
/* Whether queue_take would find one. */
bool queue_has(const struct queue *queue);
/* Gives the first one its place. */
struct attempt *queue_take(struct queue *queue);
/* Gives back what it has, wherever it is. */
void queue_leave(struct queue *queue, struct attempt *a);
/* Calls `visit` with each list of waiting ones. */
void queue_lists(struct queue *queue, void (*visit)(struct attempt_list *list, void *context), void *context);

#endif
