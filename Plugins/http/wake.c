/* Deadlines of those that wait without libcurl. */
#include "flow.h"
#include "loop_state.h"
#include "thread.h"
#include "token.h"

#define LONGEST_POLL_MS 60000
#define HEARTBEAT_MS 1000

struct waking {
    int64_t now, shortest; /* milliseconds until the next one is due */
};

static void wake(struct attempt_list *list, void *context) {
    struct waking *waking = context;
    struct attempt *a, *next;
    for (a = list->first; a != NULL; a = next) {
        int64_t left = attempt_left_ms(a, waking->now);
        next = a->next; /* waking or ending one only takes that one away */
        if (left == 0) {
            LOOP_WORKING_FOR(a, flow_expire(a));
            continue;
        }
        if (a->phase == PHASE_RESTING) {
            int64_t rest = (a->poll.wake_ns - waking->now + 999999) / 1000000;
            if (rest <= 0) {
                LOOP_WORKING_FOR(a, flow_wake(a));
                continue;
            }
            if (left < 0 || rest < left) left = rest;
        }
        /* It waits because it has to: whoever listens for a sign of life shall not take it for dead. */
        attempt_heartbeat(a);
        if (waking->shortest > HEARTBEAT_MS) waking->shortest = HEARTBEAT_MS;
        if (left > 0 && left < waking->shortest) waking->shortest = left;
    }
}

int64_t loop_wake_all(struct loop *loop) {
    const struct config *config = &loop->instance->config;
    struct waking waking = {.now = clock_mono_ns(), .shortest = LONGEST_POLL_MS};
    size_t i;
    wake(&loop->waiting, &waking);
    queue_lists(&loop->queue, wake, &waking);
    for (i = 0; i < config->host_count; i++) {
        struct token *token = config->hosts[i].token;
        if (token == NULL) continue;
        wake(&token->waiting, &waking);
        waking.shortest = token_expire(token, waking.now, waking.shortest);
    }
    return waking.shortest;
}
