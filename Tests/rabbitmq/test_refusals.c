/* What the broker or the executor does not take; and that one job's fault is not another's. */
#include "harness.h"

static void parameters(void *instance) {
    static const struct {
        const char *target, *key, *value, *code, *part;
    } cases[] = {
        {"", NULL, NULL, "rabbitmq.target", "has to be rabbitmq:"},
        {"rabbitmq:main", NULL, NULL, "rabbitmq.target", "has to be rabbitmq:"},
        {"rabbitmq:/e/k", NULL, NULL, "rabbitmq.target", "names no connection"},
        {"rabbitmq:main/", NULL, NULL, "rabbitmq.target", "neither an exchange nor a queue"},
        {"rabbitmq:main//%zz", NULL, NULL, "rabbitmq.target", "hexadecimal"},
        {"rabbitmq:main//a%4", NULL, NULL, "rabbitmq.target", "hexadecimal"},
        {"rabbitmq:main//a%00b", NULL, NULL, "rabbitmq.target", "NUL"},
        {"rabbitmq:main//a%ff", NULL, NULL, "rabbitmq.target", "UTF-8"},
        {"amqp://guest:guest@localhost/", NULL, NULL, "rabbitmq.target", "form of a URL"},
        {"rabbitmq:other//q", NULL, NULL, "rabbitmq.target", "no connection \"other\""},
        {"rabbitmq:main//q", "Mode", "ask", "rabbitmq.parameter", "publish or rpc"},
        {"rabbitmq:main//q", "Priority", "256", "rabbitmq.parameter", "0 to 255"},
        {"rabbitmq:main//q", "Priority", "-1", "rabbitmq.parameter", "0 to 255"},
        {"rabbitmq:main//q", "ExpirationMs", "1s", "rabbitmq.parameter", "whole number"},
        {"rabbitmq:main//q", "Persistent", "perhaps", "rabbitmq.parameter", "true or false"},
        {"rabbitmq:main//q", "Headers", "[]", "rabbitmq.parameter", "JSON object"},
        {"rabbitmq:main//q", "Headers", "{\"CC\":\"x\"}", "rabbitmq.parameter", "lists of texts"},
        {"rabbitmq:main//q", "Headers", "{\"a\":[[[[[[[[[1]]]]]]]]]}", "rabbitmq.parameter", "8 levels"},
        {"rabbitmq:main//q", "Header_CC", "x", "rabbitmq.parameter", "give it in Headers"},
        {"rabbitmq:main//q", "Header_x-spindle-attempt", "x", "rabbitmq.parameter", "cannot be the name"},
        {"rabbitmq:main//q", "DeclareExchange", "direct", "rabbitmq.parameter", "always there"},
    };
    char longer[300], target[400];
    struct run *run;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        run = run_new(instance, cases[i].target);
        if (cases[i].key != NULL) run_param(run, cases[i].key, cases[i].value);
        run_execute(run);
        run_wait(run);
        EXPECT(run, SPINDLE_PERMANENT, cases[i].code, cases[i].part);
        CHECK(run->returned == SPINDLE_E_INVALID, "%d", run->returned);
        if (cases[i].key != NULL) CHECK(strcmp(run->pointer + 1, cases[i].key) == 0, "%s", run->pointer);
        run_free(run);
    }
    memset(longer, 'k', 256);
    longer[256] = '\0';
    snprintf(target, sizeof target, "rabbitmq:main//%s", longer);
    QUICK(instance, target, SPINDLE_PERMANENT, "rabbitmq.target", "255");
    QUICK(instance, "rabbitmq:main//q", SPINDLE_PERMANENT, "rabbitmq.parameter", "255", "Type", longer);
    QUICK(instance, "rabbitmq:main//q", SPINDLE_PERMANENT, "rabbitmq.parameter", "different case", "Type", "a", "type", "b");
    QUICK(instance, "rabbitmq:main//q", SPINDLE_PERMANENT, "rabbitmq.parameter", "given twice", "Header_a", "1", "header_a", "2");
    QUICK(instance, "rabbitmq:main//q", SPINDLE_PERMANENT, "rabbitmq.parameter", "the executor sets it", "Mode", "rpc", "ReplyTo", "x");
    run = run_new(instance, "rabbitmq:main//q");
    run->request.payload = SPINDLE_STR("a");
    run_param(run, "Body", "b");
    run_execute(run);
    run_wait(run);
    EXPECT(run, SPINDLE_PERMANENT, "rabbitmq.parameter", "only one of them");
    run_free(run);
}

static void unroutable(void *instance) {
    struct run *same[40];
    size_t i;
    QUICK(instance, "rabbitmq:main//no-such-queue", SPINDLE_PERMANENT, "rabbitmq.unroutable", "312 NO_ROUTE");
    QUICK(instance, "rabbitmq:main//no-such-queue", SPINDLE_SUCCESS, "", "", "Mandatory", "false");
    /* Alike in all that a return repeats but the header. */
    for (i = 0; i < 40; i++) {
        same[i] = START(instance, i % 2 == 0 ? "rabbitmq:main//plain" : "rabbitmq:main//no-such-queue", "MessageId", "same");
    }
    for (i = 0; i < 40; i++) {
        run_wait(same[i]);
        if (i % 2 == 0) EXPECT(same[i], SPINDLE_SUCCESS, "", "");
        else EXPECT(same[i], SPINDLE_PERMANENT, "rabbitmq.unroutable", "no-such-queue");
        run_free(same[i]);
    }
}

static void full(void *instance) {
    observer_queue("full", 1);
    QUICK(instance, "rabbitmq:main//full", SPINDLE_SUCCESS, "", "");
    QUICK(instance, "rabbitmq:main//full", SPINDLE_RETRYABLE, "rabbitmq.nack", "a queue is full");
    observer_delete_queue("full");
}

/* Jobs for an exchange that is not there come between many good ones: none of those may suffer. */
static void isolated(void *instance) {
    struct run *runs[200];
    size_t i;
    for (i = 0; i < 200; i++) {
        runs[i] = START(instance, i % 10 == 9 ? "rabbitmq:main/missing/k" : i % 2 == 0 ? "rabbitmq:main//plain" : "rabbitmq:main/fan/");
    }
    for (i = 0; i < 200; i++) {
        run_wait(runs[i]);
        if (i % 10 == 9) EXPECT(runs[i], SPINDLE_PERMANENT, "rabbitmq.exchange", "no exchange 'missing'");
        else EXPECT(runs[i], SPINDLE_SUCCESS, "", "");
        run_free(runs[i]);
    }
}

/* It was there once, so its messages go where all do: now others are in doubt, and only they are told so. */
static void deleted(void *instance) {
    observer_exchange("gone", "fanout");
    observer_bind("plain", "gone", "");
    QUICK(instance, "rabbitmq:main/gone/", SPINDLE_SUCCESS, "", "");
    observer_delete_exchange("gone");
    QUICK(instance, "rabbitmq:main/gone/", SPINDLE_RETRYABLE, "rabbitmq.channel", "may have been published: NOT_FOUND - no exchange 'gone'");
    QUICK(instance, "rabbitmq:main/gone/", SPINDLE_PERMANENT, "rabbitmq.exchange", "no exchange 'gone'");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
}

/* What comes behind a bad message on the channel that all share never reached the broker; but nobody can be sure. */
static void innocent(void) {
    struct proxy *proxy = proxy_start(PROXY_FORWARD, broker_port);
    void *instance = instance_on(proxy_port(proxy), "");
    struct run *bad, *good[5];
    long long bytes;
    size_t i;
    observer_exchange("gone", "fanout");
    observer_bind("plain", "gone", "");
    QUICK(instance, "rabbitmq:main/gone/", SPINDLE_SUCCESS, "", "");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
    observer_delete_exchange("gone");
    proxy_hold(proxy, 1);
    bytes = proxy_bytes(proxy);
    bad = START(instance, "rabbitmq:main/gone/");
    proxy_wait_bytes(proxy, bytes + 150);
    for (i = 0; i < 5; i++) good[i] = START(instance, "rabbitmq:main//plain");
    proxy_wait_bytes(proxy, bytes + 6 * 150);
    proxy_hold(proxy, 0);
    run_wait(bad);
    EXPECT(bad, SPINDLE_RETRYABLE, "rabbitmq.channel", "no exchange 'gone'");
    run_free(bad);
    for (i = 0; i < 5; i++) {
        run_wait(good[i]);
        EXPECT(good[i], SPINDLE_RETRYABLE, "rabbitmq.channel", "before it confirmed this message; it may have been published");
        run_free(good[i]);
    }
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
    rabbitmq->destroy(instance);
    proxy_stop(proxy);
}

/* The user may write to what begins with "allowed" only. */
static void forbidden(void) {
    void *instance = instance_on(broker_port, "\"user\":\"spindle\",\"password\":\"secret://password\"");
    observer_exchange("allowed", "fanout");
    observer_bind("plain", "allowed", "");
    QUICK(instance, "rabbitmq:main/allowed/", SPINDLE_SUCCESS, "", "");
    QUICK(instance, "rabbitmq:main/fan/", SPINDLE_PERMANENT, "rabbitmq.refused", "access to exchange 'fan' in vhost '/' refused for user 'spindle'");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_RETRYABLE, "rabbitmq.channel", "amq.default");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_PERMANENT, "rabbitmq.refused", "amq.default");
    QUICK(instance, "rabbitmq:main/fan/", SPINDLE_RETRYABLE, "rabbitmq.channel", "exchange 'fan'", "Mode", "rpc");
    QUICK(instance, "rabbitmq:main/fan/", SPINDLE_PERMANENT, "rabbitmq.refused", "exchange 'fan'", "Mode", "rpc");
    QUICK(instance, "rabbitmq:main/allowed/", SPINDLE_SUCCESS, "", "");
    rabbitmq->destroy(instance);
    observer_delete_exchange("allowed");
}

void test_refusals(void) {
    void *instance = instance_on(broker_port, "");
    observer_queue("plain", 0);
    observer_exchange("fan", "fanout");
    observer_bind("plain", "fan", "");
    parameters(instance);
    unroutable(instance);
    full(instance);
    isolated(instance);
    deleted(instance);
    rabbitmq->destroy(instance);
    innocent();
    forbidden();
}
