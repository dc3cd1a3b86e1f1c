#include "attempt.h"

#include <stdlib.h>

#include "thread.h"

#define HEARTBEAT_NS INT64_C(1000000000)
#define MOST_SPARE 64
#define KEPT_HEADER_BYTES 4096

void attempts_init(struct instance *instance) {
    pthread_mutex_init(&instance->spare_lock, NULL);
}

void attempts_free(struct instance *instance) {
    while (instance->spare != NULL) {
        struct attempt *a = instance->spare;
        instance->spare = a->next;
        buffer_free(&a->response.header_text);
        free(a);
    }
    pthread_mutex_destroy(&instance->spare_lock);
}

/* All zero but for the memory of its headers. An attempt is made, used and freed on three threads: without spare ones each would
 * cost the allocator a lock that others want, and some kilobytes that it would give back each time. */
static struct attempt *take(struct instance *instance) {
    struct attempt *a;
    struct buffer headers;
    pthread_mutex_lock(&instance->spare_lock);
    a = instance->spare;
    if (a != NULL) {
        instance->spare = a->next;
        instance->spare_count--;
    }
    pthread_mutex_unlock(&instance->spare_lock);
    if (a == NULL) return calloc(1, sizeof *a);
    headers = a->response.header_text;
    memset(a, 0, sizeof *a);
    a->response.header_text = headers;
    return a;
}

static void give_back(struct instance *instance, struct attempt *a) {
    bool kept;
    /* Cookies and the like are not kept for whoever comes next. */
    if (a->response.header_text.capacity > KEPT_HEADER_BYTES) buffer_wipe(&a->response.header_text);
    else if (a->response.header_text.data != NULL) explicit_bzero(a->response.header_text.data, a->response.header_text.length);
    pthread_mutex_lock(&instance->spare_lock);
    kept = instance->spare_count < MOST_SPARE;
    if (kept) {
        a->next = instance->spare;
        instance->spare = a;
        instance->spare_count++;
    }
    pthread_mutex_unlock(&instance->spare_lock);
    if (kept) return;
    buffer_free(&a->response.header_text);
    free(a);
}

struct attempt *attempt_create(struct instance *instance, spindle_handle handle, const spindle_request *source) {
    struct attempt *a = take(instance);
    if (a == NULL) return NULL;
    a->source = source;
    a->host = source->host;
    a->ctx = source->ctx;
    a->handle = handle;
    a->instance = instance;
    a->started_ns = clock_mono_ns();
    a->deadline_ns = source->deadline_mono_ns;
    if (source->timeout_ms >= 0 && source->timeout_ms < INT64_MAX / 2000000) {
        int64_t end = a->started_ns + source->timeout_ms * 1000000;
        if (a->deadline_ns < 0 || end < a->deadline_ns) a->deadline_ns = end;
    }
    a->response.header_text.limit = RESPONSE_MOST_HEADER_BYTES;
    a->response.header_text.length = 0;
    a->response.header_text.failed = false;
    buffer_init(&a->response.body, SPINDLE_MAX_OUTPUT_BYTES);
    buffer_init(&a->authorization, AUTHORIZATION_MOST_BYTES);
    return a;
}

void attempt_free(struct attempt *a) {
    if (a == NULL) return;
    curl_mime_free(a->mime); /* only if its transfer never began */
    request_free(&a->request);
    url_free(&a->url);
    url_free(&a->poll.url);
    buffer_wipe(&a->authorization);
    curl_slist_free_all(a->connect_to);
    curl_slist_free_all(a->resolve);
    buffer_free(&a->response.body);
    give_back(a->instance, a);
}

void attempt_list_add(struct attempt_list *list, struct attempt *a) {
    a->list = list;
    a->next = NULL;
    a->previous = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = a;
    list->last = a;
}

void attempt_list_remove(struct attempt *a) {
    struct attempt_list *list = a->list;
    if (list == NULL) return;
    *(a->previous != NULL ? &a->previous->next : &list->first) = a->next;
    *(a->next != NULL ? &a->next->previous : &list->last) = a->previous;
    a->previous = a->next = NULL;
    a->list = NULL;
}

void attempt_heartbeat(struct attempt *attempt) {
    int64_t now = clock_mono_ns();
    if (now - attempt->heartbeat_ns < HEARTBEAT_NS || !SPINDLE_OFFERS(attempt->host, heartbeat)) return;
    attempt->heartbeat_ns = now;
    (void)attempt->host->heartbeat(attempt->ctx, attempt->handle);
}

int64_t attempt_left_ms(const struct attempt *a, int64_t now_ns) {
    if (a->deadline_ns < 0) return -1;
    /* Rounded up: a wait must not end just before the deadline. */
    return a->deadline_ns <= now_ns ? 0 : (a->deadline_ns - now_ns + 999999) / 1000000;
}

bool response_header(const struct response *response, const char *name, spindle_str *value) {
    size_t i;
    for (i = 0; i < response->header_count; i++) {
        const struct response_header *header = &response->headers[i];
        if (!text_equal_nocase(response->header_text.data + header->name, header->name_length, name)) continue;
        *value = spindle_str_make(response->header_text.data + header->value, header->value_length);
        return true;
    }
    return false;
}

void response_reset(struct response *response) {
    response->status = 0;
    response->header_count = 0;
    response->header_text.length = 0;
    response->header_bytes = 0;
    response->body.length = 0;
    response->received = 0;
    response->truncated = false;
    response->redirecting = false;
}
