/* Deadlines and cancels, and many calls at once. */
#include "harness.h"

#include <unistd.h>

static struct run *held(const char *method, const char *tag) {
    struct run *run = run_new(plain, target(at.plain, method));
    run_param(run, "hold", "true");
    run_param(run, "tag", tag);
    return run;
}

static void await(const char *tag, const char *what) {
    run_free(GO(plain, target(at.plain, "See"), "tag", tag, what[0] == 'c' ? "hold" : "count", what[0] == 'c' ? "true" : "1"));
}

static void test_deadline(void) {
    struct run *run = held("Behave", "deadline");
    run->request.timeout_ms = 2000;
    run_execute(run);
    run_wait(run);
    settle_as(run, SPINDLE_RETRYABLE, "grpc.status.deadline_exceeded", "a slow server");
    await("deadline", "cancelled"); /* the server hears of it */
    run = run_new(plain, target(at.plain, "WhoAmI"));
    run->request.timeout_ms = 5000;
    run_execute(run);
    run_wait(run);
    const char *found = strstr(run->output, "\"deadlineMs\":");
    int left = found == NULL ? -1 : atoi(found + 13);
    CHECK(left > 0 && left <= 6000, "the server knows the deadline (rounded): %d", left);
    run_free(run);
    run = run_new(plain, target(at.plain, "WhoAmI"));
    run->request.timeout_ms = -1;
    run_execute(run);
    run_wait(run);
    has(run->output, "\"deadlineMs\":-1", "no deadline");
    run_free(run);
    run = run_new(plain, target(at.plain, "WhoAmI"));
    run->request.timeout_ms = 0;
    run_execute(run);
    run_wait(run);
    settle_as(run, SPINDLE_RETRYABLE, "grpc.timeout", "no time left");
    /* Descriptors that do not come, a name that is not resolved. */
    run = run_new(plain, target_at("grpc", "slow.test", at.plain, "shop.Shop/GetOrder"));
    run->request.timeout_ms = 200;
    run_execute(run);
    run_wait(run);
    has(run->message, "not resolved in time", "a slow resolver");
    settle_as(run, SPINDLE_RETRYABLE, "grpc.timeout", "a slow resolver");
}

static void test_cancel(void) {
    struct run *run = held("Behave", "cancel"), *stream = held("Stream", "cancel-stream");
    run_execute(run);
    run_param(stream, "count", "2");
    run_execute(stream);
    await("cancel", "made");
    await("cancel-stream", "made");
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_cancel(stream, SPINDLE_CANCEL_TIMEOUT);
    run_wait(run);
    CHECK(strcmp(run->message, "the call was broken off") == 0, "%s", run->message);
    settle_as(run, SPINDLE_CANCELLED, "grpc.cancelled", "cancel in the middle");
    run_wait(stream);
    expect(stream, SPINDLE_CANCELLED, "grpc.cancelled", "cancel in the middle of a stream");
    begins("{}\n{\"index\":1}\n", stream->output);
    run_free(stream);
    await("cancel", "cancelled");
    await("cancel-stream", "cancelled");
    /* Before anything else happened. */
    run = run_new(plain, target(at.plain, "GetOrder"));
    run->cancel_reason = SPINDLE_CANCEL_USER;
    run_execute(run);
    run_wait(run);
    settle_as(run, SPINDLE_CANCELLED, "grpc.cancelled", "cancelled before it began");
    /* While it waits for a name, and for descriptors. */
    run = run_new(plain, target_at("grpc", "slow.test", at.plain, "shop.Shop/GetOrder"));
    run_execute(run);
    fake_dns_await_waiter();
    run_cancel(run, SPINDLE_CANCEL_SHUTDOWN);
    run_wait(run);
    settle_as(run, SPINDLE_CANCELLED, "grpc.cancelled", "cancelled while its name was looked up");
    fake_dns_open_gate();
    run = run_new(plain, target(at.silent, "GetOrder"));
    run_execute(run);
    run_cancel(run, SPINDLE_CANCEL_LOST);
    run_wait(run);
    settle_as(run, SPINDLE_CANCELLED, "grpc.cancelled", "cancelled while it waited for descriptors");
}

/* A stream that waits for room in the host, and is cancelled or runs out of time there. */
static void test_paused(void) {
    struct run *run = run_new(plain, target(at.plain, "Stream"));
    atomic_store(&fake_artefact_rejects, 1 << 30);
    run_param(run, "count", "100000");
    run_param(run, "size", "1000");
    run_param(run, "MaxResponseBytes", "0");
    run_execute(run);
    await("", "x"); /* a round trip, so that it is likely under way */
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_wait(run);
    settle_as(run, SPINDLE_CANCELLED, "grpc.cancelled", "cancelled while it waits for room");
    run = run_new(plain, target(at.plain, "Stream"));
    run->request.timeout_ms = 1500;
    run_param(run, "count", "100000");
    run_param(run, "size", "1000");
    run_param(run, "MaxResponseBytes", "0");
    run_execute(run);
    run_wait(run);
    settle_as(run, SPINDLE_RETRYABLE, "grpc.status.deadline_exceeded", "no room until the deadline");
    run = run_new(plain, target(at.plain, "Stream"));
    run->request.timeout_ms = 300;
    run_param(run, "count", "1");
    run_param(run, "MaxResponseBytes", "0");
    run_execute(run);
    run_wait(run);
    CHECK(run->outcome == SPINDLE_RETRYABLE, "no room for the end: %d %s", run->outcome, run->code);
    run_free(run);
    atomic_store(&fake_artefact_rejects, 0);
}

static void test_races(int rounds) {
    int i, j;
    for (i = 0; i < rounds; i++) {
        struct run *runs[20];
        for (j = 0; j < 20; j++) {
            runs[j] = run_new(plain, target(at.plain, j % 2 ? "GetOrder" : "Stream"));
            if (j % 2 == 0) run_param(runs[j], "count", "20");
            run_execute(runs[j]);
        }
        usleep((useconds_t)(i * 137 % 4000)); /* at any point of a call */
        for (j = 0; j < 20; j++) run_cancel(runs[j], SPINDLE_CANCEL_USER);
        for (j = 0; j < 20; j++) {
            run_wait(runs[j]);
            CHECK(runs[j]->outcome == SPINDLE_CANCELLED || runs[j]->outcome == SPINDLE_SUCCESS, "%d %s", runs[j]->outcome, runs[j]->code);
            run_free(runs[j]);
        }
    }
}

void test_time(int rounds) {
    test_deadline();
    test_cancel();
    test_paused();
    test_races(rounds);
}

enum { AT_ONCE = 500 }; /* of more than a thousand that wait for its threads the server itself breaks some off */

static void test_wave(void) {
    struct run *runs[AT_ONCE];
    void *fresh = instance_with("{}");
    char why[600] = "";
    int i, good = 0;
    for (i = 0; i < AT_ONCE; i++) {
        runs[i] = run_new(fresh, target(at.plain, "GetOrder"));
        run_param(runs[i], "order_id", "7");
        runs[i]->request.timeout_ms = -1;
        run_execute(runs[i]);
    }
    for (i = 0; i < AT_ONCE; i++) {
        run_wait(runs[i]);
        if (runs[i]->outcome == SPINDLE_SUCCESS) good++;
        else snprintf(why, sizeof why, "%s: %s", runs[i]->code, runs[i]->message);
        run_free(runs[i]);
    }
    CHECK(good == AT_ONCE, "%d of %d; %s", good, AT_ONCE, why);
    instance_end(fresh);
}

void test_load(int waves) {
    while (waves-- > 0) test_wave();
}
