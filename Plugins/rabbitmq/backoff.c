#include "backoff.h"

#include <stdlib.h>

#define FIRST_MS 100

void backoff_init(struct backoff *backoff, int64_t most_ms) {
    backoff->most_ms = most_ms;
    backoff->seed = (unsigned)(uintptr_t)backoff; /* differs from process to process; nobody has to be unable to guess it */
    backoff_reset(backoff);
}

void backoff_fail(struct backoff *backoff, int64_t now_ns) {
    int64_t delay;
    backoff->delay_ms = backoff->delay_ms == 0 ? FIRST_MS : backoff->delay_ms * 2;
    if (backoff->delay_ms > backoff->most_ms) backoff->delay_ms = backoff->most_ms;
    delay = backoff->delay_ms - rand_r(&backoff->seed) % (backoff->delay_ms / 2 + 1);
    backoff->next_ns = now_ns + delay * 1000000;
}

void backoff_reset(struct backoff *backoff) {
    backoff->delay_ms = 0;
    backoff->next_ns = 0;
}
