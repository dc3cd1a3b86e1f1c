/* Cancels and time limits, in each state that a message can be in. */
#include "harness.h"

static struct run *limited(void *instance, const char *target, int64_t timeout_ms) {
    struct run *run = run_new(instance, target);
    run->request.timeout_ms = timeout_ms;
    run_execute(run);
    return run;
}

static void not_sent(void) {
    struct proxy *silent = proxy_start(PROXY_SILENT, 0);
    void *instance = instance_on(proxy_port(silent), "\"connectTimeoutMs\":60000");
    struct run *run = START(instance, "rabbitmq:main//plain");
    proxy_wait_bytes(silent, 8); /* the greeting: it waits for an answer that never comes */
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_wait(run);
    EXPECT(run, SPINDLE_CANCELLED, "rabbitmq.cancelled", "cancelled; the message was not sent");
    run_free(run);
    run = START(instance, "rabbitmq:main//plain");
    run_cancel(run, SPINDLE_CANCEL_TIMEOUT);
    run_wait(run);
    EXPECT(run, SPINDLE_RETRYABLE, "rabbitmq.timeout", "the message was not sent in time");
    run_free(run);
    rabbitmq->destroy(instance); /* does not wait for the minute */
    proxy_stop(silent);
}

static void unconfirmed(void) {
    struct proxy *proxy = proxy_start(PROXY_FORWARD, broker_port);
    void *instance = instance_on(proxy_port(proxy), "");
    struct run *run;
    long long bytes;
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
    proxy_hold(proxy, 1);
    bytes = proxy_bytes(proxy);
    run = START(instance, "rabbitmq:main//plain", "Body", "a body that is longer than a hundred bytes, so that it can be told from heartbeats, "
                                                          "which are short and may come between, if the machine is slow enough");
    proxy_wait_bytes(proxy, bytes + 150);
    run->grace_ms = 200;
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_wait(run);
    EXPECT(run, SPINDLE_CANCELLED, "rabbitmq.cancelled", "cancelled; the message was sent but not confirmed; it may have been published");
    run_free(run);
    run = limited(instance, "rabbitmq:main//plain", 300);
    run_wait(run);
    EXPECT(run, SPINDLE_RETRYABLE, "rabbitmq.timeout", "it may have been published");
    run_free(run);
    run = limited(instance, "rabbitmq:main//plain", -1);
    proxy_wait_bytes(proxy, bytes + 500);
    run_cancel(run, SPINDLE_CANCEL_TIMEOUT);
    run_wait(run);
    EXPECT(run, SPINDLE_RETRYABLE, "rabbitmq.timeout", "the broker took too long");
    run_free(run);
    /* The confirm comes within the grace: then it is a success. */
    run = limited(instance, "rabbitmq:main//plain", -1);
    run->grace_ms = 600000;
    proxy_wait_bytes(proxy, bytes + 700);
    run_cancel(run, SPINDLE_CANCEL_USER);
    proxy_hold(proxy, 0);
    run_wait(run);
    EXPECT(run, SPINDLE_SUCCESS, "", "");
    run_free(run);
    rabbitmq->destroy(instance);
    proxy_stop(proxy);
    CHECK(observer_count("plain") == 5, "%d", observer_count("plain"));
}

/* The attempt ends while its message is half written; the connection goes on, with the whole message. */
static void half_written(void) {
    struct proxy *proxy = proxy_start(PROXY_FORWARD, broker_port);
    void *instance = instance_on(proxy_port(proxy), "");
    char *large = malloc(1048576);
    struct run *runs[24];
    amqp_message_t m;
    long long bytes;
    int i, whole = 0;
    memset(large, 'L', 1048576);
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
    observer_queue("plain", 0);
    bytes = proxy_bytes(proxy);
    proxy_hold(proxy, 1);
    proxy_deafen_at(proxy, bytes + 1500000);
    for (i = 0; i < 24; i++) {
        runs[i] = run_new(instance, "rabbitmq:main//plain");
        runs[i]->request.payload = spindle_str_make(large, 1048576);
        runs[i]->grace_ms = 100;
        run_execute(runs[i]);
    }
    /* One is sent and not confirmed. The others are more than any buffer between here and there holds: some are not sent at
     * all, one only half. */
    proxy_wait_bytes(proxy, bytes + 1500000);
    for (i = 0; i < 24; i++) run_cancel(runs[i], SPINDLE_CANCEL_USER);
    for (i = 0; i < 24; i++) run_wait(runs[i]);
    memset(large, 'x', 1048576); /* the host may do with it what it wants now */
    for (i = 0; i < 24; i++) {
        EXPECT(runs[i], SPINDLE_CANCELLED, "rabbitmq.cancelled", "cancelled; the message was");
        if (strstr(runs[i]->message, "may have been") != NULL) whole++;
        run_free(runs[i]);
    }
    CHECK(whole >= 1 && whole < 24, "%d", whole);
    proxy_deafen(proxy, 0);
    proxy_hold(proxy, 0);
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "", "Body", "after");
    CHECK(observer_count("plain") == whole + 1, "%d of %d", observer_count("plain"), whole + 1);
    for (i = 0; i < whole; i++) {
        size_t j;
        CHECK(observer_get("plain", &m) == 1, "%d", i);
        for (j = 0; j < m.body.len && ((char *)m.body.bytes)[j] == 'L'; j++) {
        }
        CHECK(j == 1048576, "message %d differs at %zu of %zu", i, j, m.body.len);
        amqp_destroy_message(&m);
    }
    rabbitmq->destroy(instance);
    proxy_stop(proxy);
    free(large);
}

void test_cancel(void) {
    observer_queue("plain", 0);
    not_sent();
    unconfirmed();
    half_written();
    observer_queue("plain", 0);
}
