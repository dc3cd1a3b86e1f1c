/* A broker that is not there, does not let one in, is none, or goes away. */
#include "harness.h"

static void down(void) {
    struct proxy *proxy = proxy_start(PROXY_FORWARD, broker_port);
    int port = proxy_port(proxy), i;
    void *instance;
    proxy_stop(proxy);
    instance = instance_on(port, "\"maxReconnectDelayMs\":200");
    for (i = 0; i < 4; i++) {
        struct run *run = GO(instance, "rabbitmq:main//plain");
        EXPECT(run, SPINDLE_RETRYABLE, "rabbitmq.connect", "cannot be reached: connection refused");
        CHECK(run->retry_after_ms >= 100 && run->retry_after_ms <= 200, "%lld", (long long)run->retry_after_ms);
        run_free(run);
    }
    CHECK(rabbitmq->check(instance, 0) != SPINDLE_OK && strstr(fake_last_error, "cannot be reached") != NULL, "%s", fake_last_error);
    rabbitmq->destroy(instance);
    instance = fake_create("{\"connections\":{\"main\":{\"host\":\"no-such-host.invalid\"}}}", &(spindle_status){0});
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_RETRYABLE, "rabbitmq.connect", "could not be resolved");
    rabbitmq->destroy(instance);
}

static void not_let_in(void) {
    void *instance = instance_on(broker_port, "\"user\":\"spindle\",\"password\":\"secret://wrong\"");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_PERMANENT, "rabbitmq.login", "refused the login of user \"spindle\"");
    CHECK(rabbitmq->check(instance, 0) != SPINDLE_OK && strstr(fake_last_error, "ACCESS_REFUSED") != NULL, "%s", fake_last_error);
    rabbitmq->destroy(instance);
    instance = instance_on(broker_port, "\"vhost\":\"/none\"");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_PERMANENT, "rabbitmq.vhost", "vhost /none not found");
    rabbitmq->destroy(instance);
    instance = instance_on(broker_port, "\"vhost\":\"other\"");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_PERMANENT, "rabbitmq.unroutable", "plain");
    rabbitmq->destroy(instance);
}

static void no_broker(void) {
    struct proxy *silent = proxy_start(PROXY_SILENT, 0), *garbage = proxy_start(PROXY_GARBAGE, 0);
    void *instance = instance_on(proxy_port(silent), "\"connectTimeoutMs\":300");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_RETRYABLE, "rabbitmq.connect", "no answer in time");
    rabbitmq->destroy(instance);
    instance = instance_on(proxy_port(garbage), "\"connectTimeoutMs\":300");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_PERMANENT, "rabbitmq.protocol", "is not an AMQP 0-9-1 broker");
    rabbitmq->destroy(instance);
    proxy_stop(silent);
    proxy_stop(garbage);
}

/* The connection breaks while confirms are on their way, and comes back for the next. */
static void broken(void) {
    static const char rubbish[] = "\x07\x00\x01\x00\x00\x00\x04nonsense and more of it";
    struct proxy *proxy = proxy_start(PROXY_FORWARD, broker_port);
    void *instance = instance_on(proxy_port(proxy), "\"maxReconnectDelayMs\":200");
    struct run *runs[20];
    long long bytes;
    int round, i;
    for (round = 0; round < 2; round++) {
        QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
        proxy_hold(proxy, 1);
        bytes = proxy_bytes(proxy);
        for (i = 0; i < 20; i++) runs[i] = START(instance, "rabbitmq:main//plain");
        proxy_wait_bytes(proxy, bytes + 20 * 150);
        if (round == 0) proxy_cut(proxy);
        else proxy_inject(proxy, rubbish, sizeof rubbish);
        for (i = 0; i < 20; i++) {
            run_wait(runs[i]);
            EXPECT(runs[i], SPINDLE_RETRYABLE, "rabbitmq.connection",
                   round == 0 ? "the other side closed the connection; the message was not confirmed; it may have been published"
                              : "the answer is not AMQP 0-9-1; the message was not confirmed");
            run_free(runs[i]);
        }
        proxy_hold(proxy, 0);
    }
    /* Half a message is none: it is sent again, once. */
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
    observer_queue("plain", 0);
    proxy_deafen(proxy, 1);
    for (i = 0; i < 20; i++) {
        static char large[1048576];
        runs[i] = run_new(instance, "rabbitmq:main//plain");
        runs[i]->request.payload = spindle_str_make(large, sizeof large);
        run_execute(runs[i]);
    }
    proxy_cut(proxy);
    proxy_deafen(proxy, 0);
    for (i = 0, round = 0; i < 20; i++) {
        run_wait(runs[i]);
        if (runs[i]->outcome == SPINDLE_SUCCESS) round++;
        else EXPECT(runs[i], SPINDLE_RETRYABLE, "rabbitmq.connection", "it may have been published");
        run_free(runs[i]);
    }
    CHECK(round >= 1, "none was sent again");
    CHECK(observer_count("plain") >= round && observer_count("plain") <= 20, "%d, %d", observer_count("plain"), round);
    rabbitmq->destroy(instance);
    proxy_stop(proxy);
}

/* A broker that says nothing any more, on a connection that stands: only heartbeats tell. One that is idle lives. */
static void dead(void) {
    struct proxy *silent = proxy_start(PROXY_FORWARD, broker_port), *idle = proxy_start(PROXY_FORWARD, broker_port);
    void *instance = instance_on(proxy_port(silent), "\"heartbeatSeconds\":1"), *other = instance_on(proxy_port(idle), "\"heartbeatSeconds\":1");
    long long bytes;
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
    QUICK(other, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
    bytes = proxy_bytes(idle);
    proxy_hold(silent, 1);
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_RETRYABLE, "rabbitmq.connection",
          "no sign of life within two heartbeats; the message was not confirmed; it may have been published");
    proxy_hold(silent, 0);
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
    proxy_wait_bytes(idle, bytes + 8);
    QUICK(other, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
    CHECK(proxy_connections(idle) == 1, "%d", proxy_connections(idle));
    rabbitmq->destroy(instance);
    rabbitmq->destroy(other);
    proxy_stop(silent);
    proxy_stop(idle);
}

void test_failures(void) {
    down();
    not_let_in();
    no_broker();
    observer_queue("plain", 0);
    broken();
    dead();
    observer_queue("plain", 0);
}
