/* What a message has when it arrives, and what is declared for it. */
#include "harness.h"

static void properties(void *instance) {
    struct run *run = run_new(instance, "rabbitmq:main//plain");
    amqp_message_t m;
    run->request.traceparent = SPINDLE_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    run_param(run, "body", "{\"a\":1}");
    run_param(run, "Header_shop", "north");
    run_param(run, "Headers", "{\"count\":7,\"ratio\":0.5,\"yes\":true,\"nothing\":null,\"list\":[1,\"a\"],\"table\":{\"x\":{}}}");
    run_param(run, "Priority", "5");
    run_param(run, "ExpirationMs", "600000");
    run_param(run, "Type", "order");
    run_param(run, "AppId", "shop");
    run_param(run, "CorrelationId", "c-1");
    run_param(run, "ReplyTo", "elsewhere");
    run_param(run, "ContentEncoding", "identity");
    run_param(run, "Priorty", "9");
    run_execute(run);
    run_wait(run);
    CHECK(run->returned == SPINDLE_PENDING, "%d", run->returned);
    EXPECT(run, SPINDLE_SUCCESS, "", "");
    CHECK(strstr(fake_last_log, "did you mean \"Priority\"?") != NULL, "%s", fake_last_log);
    CHECK(strcmp(run_metadata(run, "messageId"), run->id) == 0, "%s", run_metadata(run, "messageId"));
    CHECK(strcmp(run_metadata(run, "connection"), "main") == 0, "%s", run_metadata(run, "connection"));
    CHECK(strcmp(run_metadata(run, "routingKey"), "plain") == 0, "%s", run_metadata(run, "routingKey"));
    CHECK(strcmp(run_metadata(run, "bytes"), "7") == 0, "%s", run_metadata(run, "bytes"));
    CHECK(observer_get("plain", &m) == 1, "nothing arrived");
#define TEXT(field, value) CHECK(spindle_str_is(spindle_str_make(m.properties.field.bytes, m.properties.field.len), value), #field)
    CHECK(spindle_str_is(spindle_str_make(m.body.bytes, m.body.len), "{\"a\":1}"), "body");
    TEXT(content_type, "application/json");
    TEXT(content_encoding, "identity");
    TEXT(message_id, run->id);
    TEXT(type, "order");
    TEXT(app_id, "shop");
    TEXT(correlation_id, "c-1");
    TEXT(reply_to, "elsewhere");
    TEXT(expiration, "600000");
    CHECK(m.properties.delivery_mode == 2 && m.properties.priority == 5, "%d %d", m.properties.delivery_mode, m.properties.priority);
    CHECK(m.properties.timestamp == 1700000000, "%llu", (unsigned long long)m.properties.timestamp);
#define HEADER(name, value) CHECK(strcmp(observer_header(&m, name), value) == 0, "%s: %s", name, observer_header(&m, name))
    HEADER("shop", "north");
    HEADER("count", "i7");
    HEADER("ratio", "d0.5");
    HEADER("yes", "t1");
    HEADER("nothing", "void");
    HEADER("list", "array of 2");
    HEADER("table", "table of 1");
    HEADER("x-spindle-attempt", run->id);
    HEADER("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    amqp_destroy_message(&m);
    run_free(run);
    QUICK(instance, "AMQP:main//plain", SPINDLE_SUCCESS, "", "", "Persistent", "false", "MessageId", "own");
    CHECK(observer_get("plain", &m) == 1, "nothing arrived");
    TEXT(message_id, "own");
    CHECK(m.properties.delivery_mode == 1 && m.body.len == 0, "%d", m.properties.delivery_mode);
    amqp_destroy_message(&m);
}

static void sizes(void *instance) {
    static const size_t lengths[] = {0, 1, 65527, 65528, 65529, 131072, 1048576};
    char *bytes = malloc(1048576);
    amqp_message_t m;
    size_t i, j;
    for (i = 0; i < 1048576; i++) bytes[i] = (char)(i * 7 + i / 65536);
    for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct run *run = run_new(instance, "rabbitmq:main//plain");
        run->request.payload = spindle_str_make(bytes, lengths[i]);
        run->request.content_type = SPINDLE_STR("application/x-test");
        run_execute(run);
        run_wait(run);
        EXPECT(run, SPINDLE_SUCCESS, "", "");
        run_free(run);
        CHECK(observer_get("plain", &m) == 1, "%zu did not arrive", lengths[i]);
        for (j = 0; j < m.body.len && ((char *)m.body.bytes)[j] == bytes[j]; j++) {
        }
        CHECK(m.body.len == lengths[i] && j == lengths[i], "%zu: %zu, differs at %zu", lengths[i], m.body.len, j);
        TEXT(content_type, "application/x-test");
        amqp_destroy_message(&m);
    }
    free(bytes);
}

/* Small and large ones on one connection, through two exchanges that nobody has named before. */
static void many(void *instance, int count) {
    struct run **runs = calloc((size_t)count, sizeof *runs);
    char *large = calloc(1, 200000);
    int i;
    for (i = 0; i < count; i++) {
        runs[i] = run_new(instance, i % 3 == 0 ? "rabbitmq:main//plain" : i % 3 == 1 ? "rabbitmq:main/fan/x%2Fy" : "rabbitmq:main/top%69c/a.b/c");
        if (i % 16 == 0) runs[i]->request.payload = spindle_str_make(large, 200000);
        run_execute(runs[i]);
    }
    for (i = 0; i < count; i++) {
        run_wait(runs[i]);
        EXPECT(runs[i], SPINDLE_SUCCESS, "", "");
        run_free(runs[i]);
    }
    CHECK(observer_count("plain") == count, "%d of %d", observer_count("plain"), count);
    free(runs);
    free(large);
}

static void declarations(void) {
    void *instance = instance_on(broker_port, "\"allowDeclare\":true,\"declare\":{\"exchanges\":[{\"name\":\"by-config\",\"type\":\"fanout\"}],"
                                              "\"queues\":[{\"name\":\"config-queue\",\"arguments\":{\"x-max-priority\":9,\"x-queue-mode\":"
                                              "\"lazy\"}}],\"bindings\":[{\"exchange\":\"by-config\",\"queue\":\"config-queue\"}]}");
    QUICK(instance, "rabbitmq:main/by-config/any", SPINDLE_SUCCESS, "", "");
    CHECK(observer_count("config-queue") == 1, "%d", observer_count("config-queue"));
    QUICK(instance, "rabbitmq:main/by-job/k", SPINDLE_SUCCESS, "", "", "DeclareExchange", "topic", "DeclareQueue", "job-queue");
    QUICK(instance, "rabbitmq:main//job-queue-2", SPINDLE_SUCCESS, "", "", "DeclareQueue", "job-queue-2");
    CHECK(observer_count("job-queue") == 1 && observer_count("job-queue-2") == 1, "declared by jobs");
    QUICK(instance, "rabbitmq:main/by-job/k", SPINDLE_PERMANENT, "rabbitmq.declare", "inequivalent arg 'type'", "DeclareExchange", "direct");
    QUICK(instance, "rabbitmq:main/by-job/k", SPINDLE_PERMANENT, "rabbitmq.parameter", "direct, fanout, topic or headers", "DeclareExchange", "no-such-type");
    QUICK(instance, "rabbitmq:main/amq.mine/k", SPINDLE_PERMANENT, "rabbitmq.refused", "reserved prefix 'amq.*'", "DeclareExchange", "direct");
    QUICK(instance, "rabbitmq:main/by-job/k", SPINDLE_SUCCESS, "", "");
    rabbitmq->destroy(instance);
    instance = instance_on(broker_port, "\"declare\":{\"exchanges\":[{\"name\":\"by-config\",\"type\":\"direct\"}]}");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_PERMANENT, "rabbitmq.declare", "declaring exchanges/0 of the connection's configuration");
    QUICK(instance, "rabbitmq:main//q", SPINDLE_PERMANENT, "rabbitmq.parameter", "an operator can allow it with allowDeclare", "DeclareQueue", "q");
    rabbitmq->destroy(instance);
    observer_delete_exchange("by-config");
    observer_delete_exchange("by-job");
    observer_delete_queue("config-queue");
    observer_delete_queue("job-queue");
    observer_delete_queue("job-queue-2");
}

void test_publish(void) {
    void *instance = instance_on(broker_port, "");
    observer_queue("plain", 0);
    observer_exchange("fan", "fanout");
    observer_exchange("topic", "topic");
    observer_bind("plain", "fan", "");
    observer_bind("plain", "topic", "a.#");
    properties(instance);
    sizes(instance);
    many(instance, quick ? 300 : 3000);
    CHECK(rabbitmq->check(instance, 0) == SPINDLE_OK, "check");
    rabbitmq->destroy(instance);
    declarations();
}
