/* Many at once and many in a row. */
#include "host.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void many_at_once(void *plain, int count) {
    struct attempt **all = calloc((size_t)count, sizeof *all);
    int i, good = 0;
    double began = now(), cancelled;
    /* cat runs until its input ends: all are open together before the first one is asked to end. */
    for (i = 0; i < count; i++) {
        all[i] = start(plain, "", "Shell", "sh", "Script", "echo ready; exec sleep 1000", NULL);
    }
    for (i = 0; i < count; i++) {
        if (wait_for_line(all[i], "ready") == NULL) CHECK(false, "%d: %s", i, all[i]->message);
    }
    printf("%d at once: all run after %.0f ms, ", count, (now() - began) * 1000);
    began = now();
    cancel_attempt(all[count - 1], SPINDLE_CANCEL_USER, 5000);
    wait_for(all[count - 1]);
    cancelled = (now() - began) * 1000;
    printf("one cancelled within %.1f ms, ", cancelled);
    for (i = 0; i < count; i++) cancel_attempt(all[i], SPINDLE_CANCEL_USER, 5000);
    for (i = 0; i < count; i++) {
        wait_for(all[i]);
        good += all[i]->outcome == SPINDLE_CANCELLED;
        attempt_free(all[i]);
    }
    printf("all within %.0f ms\n", (now() - began) * 1000);
    CHECK(good == count, "%d of %d", good, count);
    free(all);
}

static void busy_at_once(void *plain, int count) {
    struct attempt **all = calloc((size_t)count, sizeof *all);
    int i, good = 0;
    for (i = 0; i < count; i++) {
        char number[12];
        snprintf(number, sizeof number, "%d", i);
        all[i] = start(plain, "", "Shell", "sh", "Script", "read x; echo \"$x $1\"; head -c 100000 /dev/zero >&2; exit $(($1 % 3))",
                       "Arg0", number, "<", "input\n", NULL);
    }
    for (i = 0; i < count; i++) {
        char want[40];
        snprintf(want, sizeof want, "input %d\n", i);
        wait_for(all[i]);
        good += strcmp(all[i]->output, want) == 0 && atoi(metadata(all[i], "exitCode")) == i % 3 &&
                atoi(metadata(all[i], "stderrBytes")) == 100000;
        attempt_free(all[i]);
    }
    CHECK(good == count, "%d of %d", good, count);
    free(all);
}

static void in_a_row(void *plain, int count) {
    int i, good = 0;
    double began = now();
    for (i = 0; i < count; i++) {
        struct attempt *a = start(plain, "/bin/true", NULL);
        wait_for(a);
        good += a->outcome == SPINDLE_SUCCESS;
        attempt_free(a);
    }
    printf("%d in a row: %.2f ms each\n", count, (now() - began) * 1000 / count);
    CHECK(good == count, "%d of %d", good, count);
}

/* 12 MiB of short lines while the host takes none: the program is not slowed down, the loss is told. */
static void flood(void *plain) {
    struct attempt *a = start(plain, "", "Shell", "sh", "Script", "echo ready; read x; yes line | head -n 200000; echo end", "<", "", NULL);
    attempt_free(a);
    a = start(plain, "", "Shell", "sh", "Script", "yes line | head -n 200000; echo end >&2", NULL);
    a->refuse_lines = true;
    wait_for(a);
    CHECK(a->outcome == SPINDLE_SUCCESS && a->output_len == 1000000, "%s", a->message);
    CHECK(a->line_count + strtoul(metadata(a, "logLinesDropped"), NULL, 10) == 200001, "%s", metadata(a, "logLinesDropped"));
    attempt_free(a);
}

static void no_room(void *plain) {
    struct rlimit before, low;
    struct attempt *a;
    getrlimit(RLIMIT_NOFILE, &before);
    low = before;
    low.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &low);
    a = start(plain, "/bin/true", NULL);
    wait_for(a);
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK(a->outcome == SPINDLE_RETRYABLE, "no fds: %d %s", a->outcome, a->message);
    attempt_free(a);
}

void tests_load(bool quick) {
    void *plain = host_create("{}");
    many_at_once(plain, quick ? 100 : 200);
    busy_at_once(plain, quick ? 100 : 200);
    in_a_row(plain, quick ? 300 : 2000);
    flood(plain);
    no_room(plain);
    host_destroy(plain);
}
