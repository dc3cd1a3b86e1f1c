/* Time limits, cancels, many at once. */
#include <stdlib.h>

#include "harness.h"

/* Cancels that race with everything. */
static int storm(int count) {
    struct run **many = calloc((size_t)count, sizeof *many);
    int i, cancelled = 0;
    for (i = 0; i < count; i++) {
        const char *path = i % 3 == 0 ? "/status/200" : i % 3 == 1 ? "/hang" : "/big/300000";
        many[i] = run_new(plain, i % 7 == 0 ? named("http", "good.test", port, path) : url(path));
        run_execute(many[i]);
        /* Some at every moment of their life. */
        if (i % 2 == 0) run_cancel(many[i - i % 50], SPINDLE_CANCEL_USER);
    }
    for (i = 0; i < count; i++) {
        if (i % 3 == 1 || i % 5 == 0) run_cancel(many[i], SPINDLE_CANCEL_USER);
        run_wait(many[i]);
        cancelled += many[i]->outcome == SPINDLE_CANCELLED;
        if (i % 3 == 1) CHECK(many[i]->outcome == SPINDLE_CANCELLED, "%s", many[i]->code);
        run_free(many[i]);
    }
    free(many);
    return cancelled;
}

void test_time_and_cancel(int storms) {
    struct run *run = run_new(plain, url("/hang"));
    int i, cancelled = 0;
    run->request.timeout_ms = 60;
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "hang");
    run_free(run);
    run = run_new(plain, url("/slowbody"));
    run->request.timeout_ms = 60;
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "slow body");
    run_free(run);
    run = run_new(plain, url("/status/200"));
    run->request.timeout_ms = 0;
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "no time left");
    run_free(run);
    /* Cancelled before execute. */
    run = run_new(plain, url("/hang"));
    run->cancel_reason = SPINDLE_CANCEL_USER;
    sent(run);
    expect(run, SPINDLE_CANCELLED, "http.cancelled", "early");
    run_free(run);
    /* While the server holds it: the wait for hangs/N is the event. */
    run = run_new(plain, url("/hang"));
    run_execute(run);
    run_free(GO(plain, url("/hangs/open_hangs/3")));
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_cancel(run, SPINDLE_CANCEL_TIMEOUT);
    run_wait(run);
    expect(run, SPINDLE_CANCELLED, "http.cancelled", "held");
    run_free(run);
    run_free(GO(plain, url("/hangs/closed_hangs/3")));
    for (i = 0; i < storms; i++) cancelled += storm(1500);
    printf("cancels: %d of %d requests\n", cancelled, storms * 1500);
    quick(plain, url("/status/200"), SPINDLE_SUCCESS, "");
}

void test_concurrency(int count) {
    struct run **many = calloc((size_t)count, sizeof *many), *probe, *seen;
    char path[64];
    long before;
    spindle_status status;
    void *narrow, *instance = fake_create("{\"maxConnections\":2048}", &status);
    int i, wrong = 0;
    seen = GO(plain, url("/seen"));
    before = strtol(strstr(seen->output, "open_hangs\": ") + 13, NULL, 10);
    run_free(seen);
    for (i = 0; i < count; i++) {
        many[i] = run_new(instance, url("/hang"));
        run_execute(many[i]);
    }
    /* Answers only when all of them are open at the server at the same time. */
    snprintf(path, sizeof path, "/hangs/open_hangs/%ld", before + count);
    probe = GO(instance, url(path));
    expect(probe, SPINDLE_SUCCESS, "", "all open at once");
    run_free(probe);
    for (i = 0; i < count; i++) run_cancel(many[i], SPINDLE_CANCEL_SHUTDOWN);
    for (i = 0; i < count; i++) {
        run_wait(many[i]);
        wrong += many[i]->outcome != SPINDLE_CANCELLED;
        run_free(many[i]);
    }
    CHECK(wrong == 0, "%d were not cancelled", wrong);
    printf("concurrent: %d requests open at once in one instance\n", count);
    destroy_instance(instance);
    /* With two places the others wait for their turn, and may be cancelled while they do. */
    narrow = fake_create("{\"maxConnections\":2}", &status);
    for (i = 0; i < 20; i++) {
        many[i] = run_new(narrow, url(i < 2 ? "/hang" : "/status/200"));
        run_execute(many[i]);
    }
    run_cancel(many[19], SPINDLE_CANCEL_USER);
    run_wait(many[19]);
    CHECK(many[19]->outcome == SPINDLE_CANCELLED, "%s", many[19]->code);
    run_cancel(many[0], SPINDLE_CANCEL_USER);
    for (i = 2; i < 19; i++) {
        run_wait(many[i]);
        expect(many[i], SPINDLE_SUCCESS, "", "its turn");
    }
    run_cancel(many[1], SPINDLE_CANCEL_USER);
    for (i = 0; i < 20; i++) {
        run_wait(many[i]);
        run_free(many[i]);
    }
    free(many);
    destroy_instance(narrow);
}

/* A host with its own limit holds up nobody else. */
void test_origin_limits(void) {
    enum { MANY = 60 };
    struct run *many[MANY];
    void *instance = create("{\"maxConnectionsPerHost\":50,\"hosts\":[{\"origin\":\"http://127.0.0.1:%d\",\"connections\":3}]}", port);
    struct run *run;
    int i, most = 0;
    for (i = 0; i < MANY; i++) {
        many[i] = run_new(instance, url("/limited"));
        run_execute(many[i]);
        if (i % 10 == 9) run_cancel(many[i], SPINDLE_CANCEL_USER);
    }
    for (i = 0; i < MANY; i++) {
        run_wait(many[i]);
        if (many[i]->outcome == SPINDLE_SUCCESS && atoi(many[i]->output) > most) most = atoi(many[i]->output);
        CHECK(many[i]->outcome == SPINDLE_SUCCESS || i % 10 == 9, "%s", many[i]->code);
        run_free(many[i]);
    }
    CHECK(most == 3, "%d at once", most);
    for (i = 0; i < 4; i++) {
        many[i] = run_new(instance, url("/hang"));
        run_execute(many[i]);
    }
    /* Its three places are taken: its own wait, and others pass. */
    run = GO(instance, named("http", "good.test", port, "/status/200"));
    expect(run, SPINDLE_SUCCESS, "", "another origin");
    run_free(run);
    run = run_new(instance, url("/status/200"));
    run->request.timeout_ms = 60;
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "no place");
    run_free(run);
    /* A redirect into the full origin waits as well; one out of it gives its place back. */
    run = run_new(instance, named("http", "good.test", port, "/to/302/http%3A%2F%2F127.0.0.1:PORT/status/200"));
    run_param(run, "FollowRedirects", "true");
    run->request.timeout_ms = 200;
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "no place for a redirect");
    run_free(run);
    for (i = 3; i >= 0; i--) {
        run_cancel(many[i], SPINDLE_CANCEL_USER);
        run_wait(many[i]);
        run_free(many[i]);
    }
    for (i = 0; i < 5; i++) quick(instance, url("/to/302///good.test:PORT/status/200"), SPINDLE_PERMANENT, "http.status.302");
    run = GO(instance, url("/to/302///good.test:PORT/status/200"), "FollowRedirects", "true");
    expect(run, SPINDLE_SUCCESS, "", "out of the origin");
    run_free(run);
    destroy_instance(instance);
}
