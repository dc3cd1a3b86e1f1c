/* Calls of every kind, and what goes with them. */
#include "harness.h"

static void test_unary(void) {
    struct run *run = GO(plain, target(at.plain, "GetOrder"), "order_id", "7");
    expect(run, SPINDLE_SUCCESS, "", "GetOrder");
    CHECK(run->returned == SPINDLE_PENDING, "%d", run->returned);
    CHECK(strcmp(run->output, "{\"orderId\":\"7\",\"customer\":\"Ada\",\"items\":[{\"sku\":\"A-1\",\"quantity\":2}],\"status\":\"OPEN\","
                              "\"labels\":{\"gift\":\"yes\"},\"created\":\"2026-01-02T03:04:05Z\"}") == 0, "%s", run->output);
    CHECK(strcmp(run->content_type, "application/json") == 0, "%s", run->content_type);
    CHECK(strcmp(run_metadata(run, "status"), "OK") == 0, "%s", run_metadata(run, "status"));
    CHECK(strcmp(run_metadata(run, "method"), "shop.Shop/GetOrder") == 0, "%s", run_metadata(run, "method"));
    CHECK(strcmp(run_metadata(run, "messages"), "1") == 0, "%s", run_metadata(run, "messages"));
    CHECK(atoi(run_metadata(run, "bytes")) == (int)run->output_length, "%s", run_metadata(run, "bytes"));
    CHECK(strcmp(run_metadata(run, "descriptors"), "reflection") == 0, "%s", run_metadata(run, "descriptors"));
    CHECK(run_metadata(run, "timing.totalMs")[0] != '\0', "no time");
    has(run_metadata(run, "peer"), text("127.0.0.1:%d", at.plain), "peer");
    run_free(run);
    run = GO(plain, target_at("GRPC", "LOCALHOST", at.plain, "shop.Shop/GetOrder"));
    settle_as(run, SPINDLE_SUCCESS, "", "in capitals");
}

static void test_streams(void) {
    struct run *run = GO(plain, target(at.plain, "Stream"), "count", "3", "size", "2");
    expect(run, SPINDLE_SUCCESS, "", "Stream");
    CHECK(strcmp(run->output, "{\"text\":\"xx\"}\n{\"index\":1,\"text\":\"xx\"}\n{\"index\":2,\"text\":\"xx\"}\n") == 0, "%s", run->output);
    CHECK(strcmp(run->content_type, "application/x-ndjson") == 0, "%s", run->content_type);
    CHECK(strcmp(run_metadata(run, "messages"), "3") == 0, "%s", run_metadata(run, "messages"));
    run_free(run);
    run = GO(plain, target(at.plain, "Stream"));
    expect(run, SPINDLE_SUCCESS, "", "an empty stream");
    CHECK(run->output_length == 0, "%s", run->output);
    run_free(run);
    /* What came before the failure is kept. */
    run = GO(plain, target(at.plain, "Stream"), "count", "5", "fail_after", "2", "code", "10", "message", "lost a race");
    expect(run, SPINDLE_RETRYABLE, "grpc.status.aborted", "fails in the middle");
    CHECK(strcmp(run->output, "{}\n{\"index\":1}\n") == 0, "%s", run->output);
    run_free(run);
    run = run_payload(plain, target(at.plain, "Add"), "[{\"value\": 1}, {\"value\": \"9223372036854775806\"}]");
    expect(run, SPINDLE_SUCCESS, "", "Add");
    CHECK(strcmp(run->output, "{\"sum\":\"9223372036854775807\",\"count\":2}") == 0, "%s", run->output);
    run_free(run);
    run = GO(plain, target(at.plain, "Add"), "value", "4");
    has(run->output, "\"count\":1", "one message from fields");
    run_free(run);
    run = GO(plain, target(at.plain, "Add"));
    CHECK(strcmp(run->output, "{}") == 0, "no message: %s", run->output);
    run_free(run);
    run = run_payload(plain, target(at.plain, "Chat"), "[{\"value\":1},{\"value\":2},{\"value\":3}]");
    CHECK(strcmp(run->output, "{\"sum\":\"1\",\"count\":1}\n{\"sum\":\"3\",\"count\":2}\n{\"sum\":\"6\",\"count\":3}\n") == 0, "%s", run->output);
    run_free(run);
    run = run_payload(plain, target(at.plain, "Add"), "{\"value\": 1}");
    has(run->message, "JSON array", "a stream needs an array");
    settle_as(run, SPINDLE_PERMANENT, "grpc.message", "no array");
    run = run_payload(plain, target(at.plain, "Add"), "[{\"value\": 1}, {\"valu\": 2}]");
    CHECK(strcmp(run->message, "shop.Number has no field \"valu\"; did you mean \"value\"?") == 0, "%s", run->message);
    settle_as(run, SPINDLE_PERMANENT, "grpc.message", "the second is wrong");
}

static void test_metadata(void) {
    struct run *run = run_new(plain, target(at.plain, "WhoAmI"));
    run->request.idempotency_key = SPINDLE_STR("key-1");
    run->request.traceparent = SPINDLE_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    run->request.tracestate = SPINDLE_STR("a=b");
    run_param(run, "Metadata_X-Mixed_Case", "v w");
    run_param(run, "metadata_Authorization", "Bearer secret://token");
    run_param(run, "Metadata_x-raw-bin", "AP8=");
    run_param(run, "Metadata_x-empty", "");
    run_execute(run);
    run_wait(run);
    expect(run, SPINDLE_SUCCESS, "", "WhoAmI");
    has(run->output, "\"x-mixed_case\":\"v w\"", "metadata");
    has(run->output, "\"authorization\":\"Bearer s3cret-value\"", "a secret");
    has(run->output, "\"x-raw-bin\":\"00ff\"", "bytes");
    has(run->output, "\"x-empty\":\"\"", "an empty value");
    has(run->output, "\"idempotency-key\":\"key-1\"", "idempotency key");
    has(run->output, "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"", "trace");
    has(run->output, "\"tracestate\":\"a=b\"", "trace state");
    has(run->output, "\"user-agent\":\"spindle-grpc/1 ", "user agent");
    CHECK(strcmp(run_metadata(run, "header.x-head"), "first") == 0, "%s", run_metadata(run, "header.x-head"));
    CHECK(strcmp(run_metadata(run, "header.x-raw-bin"), "AP8=") == 0, "%s", run_metadata(run, "header.x-raw-bin"));
    CHECK(strcmp(run_metadata(run, "trailer.x-tail"), "last") == 0, "%s", run_metadata(run, "trailer.x-tail"));
    run_free(run);
    /* The job's own wins. */
    run = run_new(plain, target(at.plain, "WhoAmI"));
    run->request.idempotency_key = SPINDLE_STR("key-1");
    run_param(run, "Metadata_Idempotency-Key", "mine");
    run_execute(run);
    run_wait(run);
    has(run->output, "\"idempotency-key\":\"mine\"", "its own key");
    run_free(run);
    settle_as(GO(plain, target(at.plain, "Private")), SPINDLE_PERMANENT, "grpc.status.unauthenticated", "no credentials");
    settle_as(GO(plain, target(at.plain, "Private"), "Metadata_authorization", "Bearer wrong"), SPINDLE_PERMANENT,
              "grpc.status.unauthenticated", "wrong credentials");
    settle_as(GO(plain, target(at.plain, "Private"), "Metadata_authorization", "Bearer secret://token"), SPINDLE_SUCCESS, "",
              "right credentials");
    run = GO(plain, target(at.plain, "GetOrder"), "secret", "secret://token");
    has(run->output, "the secret has 13 bytes", "a secret in a field");
    run_free(run);
}

static int seen(const char *what) {
    struct run *run = GO(plain, target(at.plain, "See"), "EmitDefaults", "true");
    const char *found = strstr(run->output, what);
    int number = found == NULL ? -1 : atoi(found + strlen(what) + 2);
    run_free(run);
    return number;
}

static void test_reuse(void) {
    int before = seen("\"reflections"), after, i;
    struct run *first = GO(plain, target(at.plain, "WhoAmI")), *second;
    for (i = 0; i < 20; i++) run_free(GO(plain, target(at.plain, "GetOrder")));
    second = GO(plain, target(at.plain, "WhoAmI"));
    CHECK(strstr(first->output, "\"peer\"") != NULL && strcmp(strstr(first->output, "\"peer\""), "") != 0, "%s", first->output);
    /* The port of this side is the same: one connection. */
    CHECK(strncmp(strstr(first->output, "\"peer\":"), strstr(second->output, "\"peer\":"), 28) == 0, "%s / %s", first->output,
          second->output);
    after = seen("\"reflections");
    CHECK(before > 0 && after == before, "asked for descriptors %d times more", after - before);
    run_free(first);
    run_free(second);
}

void test_calls(void) {
    test_unary();
    test_streams();
    test_metadata();
    test_reuse();
}
