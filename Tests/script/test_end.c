/* Cancel, and what programs leave behind. Everything waits for lines and deaths, nothing for time to pass. */
#include "host.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static long pid_of(struct attempt *a, const char *line) {
    const char *text = wait_for_line(a, line);
    return text == NULL ? -1 : atol(text);
}

static void cancels(void *plain) {
    int64_t began;
    struct attempt *a = start(plain, "", "Shell", "bash", "Script", "echo ready; sleep 1000", NULL);
    wait_for_line(a, "ready");
    began = now_ms();
    cancel_attempt(a, SPINDLE_CANCEL_USER, 5000);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_CANCELLED && strcmp(a->code, "script.cancelled") == 0, "%d %s", a->outcome, a->code);
    CHECK(strcmp(metadata(a, "signal"), "TERM") == 0 && strstr(a->message, "somebody asked") != NULL, "%s", a->message);
    CHECK(now_ms() - began < 2000, "TERM took %lld ms", (long long)(now_ms() - began));
    attempt_free(a);

    a = start(plain, "", "Shell", "bash", "Script", "trap 'echo cleaned; exit 0' TERM; echo ready; sleep 1000 & wait", NULL);
    wait_for_line(a, "ready");
    cancel_attempt(a, SPINDLE_CANCEL_TIMEOUT, 20000);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_CANCELLED && strcmp(a->output, "ready\ncleaned\n") == 0, "TERM honoured: %s", a->output);
    CHECK(strcmp(metadata(a, "exitCode"), "0") == 0, "exit 0 is told");
    attempt_free(a);

    a = start(plain, "", "Shell", "bash", "Script", "trap '' TERM; echo ready; while :; do sleep 1000; done", NULL);
    wait_for_line(a, "ready");
    began = now_ms();
    cancel_attempt(a, SPINDLE_CANCEL_TIMEOUT, 500);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_CANCELLED && strcmp(metadata(a, "signal"), "KILL") == 0, "TERM ignored: %s", a->message);
    CHECK(now_ms() - began >= 440, "KILL came early: %lld ms", (long long)(now_ms() - began));
    CHECK(strstr(a->message, "by force because its deadline passed") != NULL, "%s", a->message);
    attempt_free(a);

    a = start(plain, "", "Shell", "bash", "Script", "trap '' TERM; echo ready; while :; do sleep 1000; done", NULL);
    wait_for_line(a, "ready");
    cancel_attempt(a, SPINDLE_CANCEL_USER, 600000);
    cancel_attempt(a, SPINDLE_CANCEL_SHUTDOWN, 100); /* in more of a hurry */
    wait_for(a);
    CHECK(a->outcome == SPINDLE_CANCELLED, "second reason: %s", a->message);
    attempt_free(a);

    a = start(plain, "", "Shell", "bash", "Script", "echo ready; kill -STOP $$", NULL);
    wait_for_line(a, "ready");
    cancel_attempt(a, SPINDLE_CANCEL_USER, 60000);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_CANCELLED && strcmp(metadata(a, "signal"), "TERM") == 0, "stopped: %s", a->message);
    attempt_free(a);
}

static void bounded_grace(void) {
    void *instance = host_create("{\"killGraceMs\":0}");
    struct attempt *a = start(instance, "", "Shell", "bash", "Script", "trap '' TERM; echo ready; while :; do sleep 1000; done", NULL);
    wait_for_line(a, "ready");
    cancel_attempt(a, SPINDLE_CANCEL_USER, 600000);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_CANCELLED && strcmp(metadata(a, "signal"), "KILL") == 0, "%s", a->message);
    attempt_free(a);
    host_destroy(instance);
}

/* A cancel at any moment: before the start, during it, after the end. */
static void cancel_races(void *plain) {
    int i, cancelled = 0;
    for (i = 0; i < 100; i++) {
        struct attempt *a = start(plain, i % 2 ? "/bin/true" : "/bin/cat", NULL);
        cancel_attempt(a, SPINDLE_CANCEL_USER, 5000);
        wait_for(a);
        CHECK(a->outcome == SPINDLE_CANCELLED || a->outcome == SPINDLE_SUCCESS, "%d %s", a->outcome, a->message);
        cancelled += a->outcome == SPINDLE_CANCELLED;
        attempt_free(a);
    }
    CHECK(cancelled > 0, "no cancel came first");
}

static void orphans(void *plain) {
    void *waiting = host_create("{\"orphans\":\"wait\"}");
    void *briefly = host_create("{\"orphans\":\"wait\",\"orphanWaitMs\":300}");
    struct attempt *a = start(plain, "", "Shell", "bash", "Script", "sleep 1000 & echo pid $!; echo done", NULL);
    long pid = pid_of(a, "pid ");
    wait_for(a);
    CHECK(a->outcome == SPINDLE_SUCCESS && strstr(a->output, "done") != NULL, "background child: %s", a->message);
    CHECK(strcmp(metadata(a, "incomplete"), "") == 0, "complete");
    CHECK(pid > 0 && wait_for_death(pid), "the background child %ld lives", pid);
    attempt_free(a);

    a = start(plain, "", "Shell", "bash", "Script", "sleep 1000 >/dev/null 2>&1 & echo pid $!", NULL);
    pid = pid_of(a, "pid ");
    wait_for(a);
    CHECK(a->outcome == SPINDLE_SUCCESS && pid > 0 && wait_for_death(pid), "a child without pipes lives");
    attempt_free(a);

    /* It notices the script's end by the end of its input: what it writes after that is still seen, also without "wait". */
    a = start(waiting, "", "Shell", "bash", "Script", "exec 9> >(read -r x || echo late); exit 0", NULL);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_SUCCESS && strstr(a->output, "late\n") != NULL, "wait: %s", a->output);
    attempt_free(a);

    a = start(plain, "", "Shell", "bash", "Script", "exec 9> >(read -r x || echo late); exit 0", NULL);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_SUCCESS && strstr(a->output, "late\n") != NULL, "kill: %s", a->output);
    attempt_free(a);

    a = start(briefly, "", "Shell", "bash", "Script", "sleep 1000 & echo pid $!", NULL);
    pid = pid_of(a, "pid ");
    wait_for(a);
    CHECK(a->outcome == SPINDLE_SUCCESS && wait_for_death(pid), "wait is bounded");
    attempt_free(a);

    a = start(waiting, "", "Shell", "bash", "Script", "sleep 1000 & echo pid $!; echo child; exec /bin/true", NULL);
    pid = pid_of(a, "pid ");
    wait_for_line(a, "child");
    cancel_attempt(a, SPINDLE_CANCEL_USER, 60000);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_SUCCESS || a->outcome == SPINDLE_CANCELLED, "%s", a->message);
    CHECK(wait_for_death(pid), "cancel while waiting for orphans");
    attempt_free(a);

    /* A process in a session of its own is out of reach: the attempt still ends, in bounded time, and says so. */
    a = start(plain, "", "Shell", "bash", "Script", "setsid bash -c 'echo pid $$; exec sleep 1000' & sleep 0.3", NULL);
    pid = pid_of(a, "pid ");
    wait_for(a);
    CHECK(a->outcome == SPINDLE_SUCCESS && strcmp(metadata(a, "incomplete"), "true") == 0, "%s", a->message);
    CHECK(pid > 0 && kill((pid_t)pid, 0) == 0, "the process in a session of its own is gone: more than is promised");
    if (pid > 0) kill((pid_t)pid, SIGKILL);
    CHECK(wait_for_death(pid), "%ld", pid);
    attempt_free(a);
    host_destroy(waiting);
    host_destroy(briefly);
}

void tests_end(void) {
    void *plain = host_create("{}");
    cancels(plain);
    bounded_grace();
    cancel_races(plain);
    orphans(plain);
    host_destroy(plain);
}

/* Shutdown ends what is open, started or not, and every attempt is still completed and released. */
void tests_shutdown(void *instance) {
    struct attempt *all[60];
    size_t i;
    all[0] = start(instance, "", "Shell", "bash", "Script", "trap '' TERM; echo ready; while :; do sleep 1000; done", NULL);
    wait_for_line(all[0], "ready");
    for (i = 1; i < 60; i++) all[i] = start(instance, "/bin/sleep", "Arg0", "1000", NULL);
    host_shutdown();
    for (i = 0; i < 60; i++) {
        CHECK(all[i]->released && all[i]->outcome == SPINDLE_CANCELLED, "%zu: %d %s", i, all[i]->outcome, all[i]->message);
        attempt_free(all[i]);
    }
}
