#include "attempt.h"

#include <stdlib.h>

#include "thread.h"

/* Just before the host's own deadline, so that the error can say what the attempt was waiting for. */
#define MOST_MARGIN_NS INT64_C(50000000)

struct attempt *attempt_create(spindle_handle handle, const spindle_request *source) {
    struct attempt *a = calloc(1, sizeof *a);
    if (a == NULL) return NULL;
    a->source = source;
    a->host = source->host;
    a->ctx = source->ctx;
    a->handle = handle;
    a->started_ns = clock_mono_ns();
    a->deadline_ns = a->give_up_ns = -1;
    if (source->timeout_ms >= 0 && source->timeout_ms < INT64_MAX / 2000000) {
        int64_t timeout = source->timeout_ms * 1000000;
        a->deadline_ns = a->started_ns + timeout - (timeout / 20 < MOST_MARGIN_NS ? timeout / 20 : MOST_MARGIN_NS);
    }
    return a;
}

void attempt_free(struct attempt *a) {
    if (a == NULL) return;
    message_free(&a->message);
    free(a);
}

void attempt_list_add(struct attempt_list *list, struct attempt *a) {
    a->next = NULL;
    a->previous = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = a;
    list->last = a;
}

void attempt_list_add_first(struct attempt_list *list, struct attempt *a) {
    a->previous = NULL;
    a->next = list->first;
    *(list->first != NULL ? &list->first->previous : &list->last) = a;
    list->first = a;
}

void attempt_list_remove(struct attempt_list *list, struct attempt *a) {
    *(a->previous != NULL ? &a->previous->next : &list->first) = a->next;
    *(a->next != NULL ? &a->next->previous : &list->last) = a->previous;
    a->previous = a->next = NULL;
}

bool attempt_declares(const struct attempt *a) {
    return a->message.declare_exchange.len > 0 || a->message.declare_queue.len > 0;
}
