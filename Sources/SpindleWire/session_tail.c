/* The last log lines of a source that found no room, kept until the source ends: how a flood ends matters most. */
#include <stdlib.h>
#include <string.h>

#include "session.h"

enum { TAIL_BYTES = 64 * 1024 };

struct tail_line {
    struct tail_line *next;
    size_t size;
    spw_log log;
    char bytes[]; /* keys and values as spw_kv, then all text */
};

static spw_bytes copy(char **to, spw_bytes text) {
    spw_bytes copied = { *to, text.len };
    if (text.len > 0) memcpy(*to, text.ptr, text.len);
    *to += text.len;
    return copied;
}

static struct tail_line *make(const spw_log *line) {
    size_t size = line->message.len + line->keys.count * sizeof(spw_kv);
    for (size_t i = 0; i < line->keys.count; i++) size += line->keys.items[i].key.len + line->keys.items[i].value.len;
    struct tail_line *made = malloc(sizeof *made + size);
    if (made == NULL) return NULL;
    made->next = NULL;
    made->size = sizeof *made + size;
    made->log = *line;
    spw_kv *items = (spw_kv *)(void *)made->bytes;
    char *text = made->bytes + line->keys.count * sizeof *items;
    made->log.message = copy(&text, line->message);
    made->log.keys.items = items;
    for (size_t i = 0; i < line->keys.count; i++) {
        items[i].key = copy(&text, line->keys.items[i].key);
        items[i].value = copy(&text, line->keys.items[i].value);
    }
    return made;
}

static void drop_first(log_tail *tail) {
    struct tail_line *first = tail->first;
    tail->first = first->next;
    tail->bytes -= first->size;
    tail->count--;
    free(first);
}

void tail_keep(log_tail *tail, const spw_log *line) {
    struct tail_line *made = make(line);
    if (made == NULL) { /* what came before would not be the last lines */
        tail_clear(tail);
        return;
    }
    if (tail->first == NULL) tail->first = made;
    else tail->last->next = made;
    tail->last = made;
    tail->bytes += made->size;
    tail->count++;
    while (tail->bytes > TAIL_BYTES) drop_first(tail);
}

void tail_clear(log_tail *tail) {
    while (tail->first != NULL) drop_first(tail);
}

uint64_t tail_tell(spw_session *session, uint64_t token, log_tail *tail, uint64_t *unsaid) {
    uint64_t told = tail->count;
    for (; tail->first != NULL; drop_first(tail)) {
        /* Those before the first kept line were dropped; those that are kept were counted with them. */
        tail->first->log.dropped = *unsaid > tail->count ? *unsaid - tail->count : 0;
        *unsaid = tail->count - 1;
        (void)session->output.log(session->output.context, token, &tail->first->log, 1);
    }
    if (told > 0) {
        *unsaid = 0;
        atomic_fetch_sub_explicit(&session->logs_dropped, told, memory_order_relaxed);
    }
    return told;
}
