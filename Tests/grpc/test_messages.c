/* JSON and parameters to messages and back. */
#include "harness.h"

static void mirror(const char *payload, const char *want) {
    struct run *run = run_payload(plain, target(at.plain, "Mirror"), payload);
    expect(run, SPINDLE_SUCCESS, "", payload);
    CHECK(strcmp(run->output, want) == 0, "%s gave %s", payload, run->output);
    run_free(run);
}

static void mirror_field(const char *name, const char *value, const char *want) {
    struct run *run = GO(plain, target(at.plain, "Mirror"), name, value);
    expect(run, SPINDLE_SUCCESS, "", name);
    CHECK(strcmp(run->output, want) == 0, "%s=%s gave %s", name, value, run->output);
    run_free(run);
}

static void refused(const char *payload, const char *why, const char *pointer) {
    struct run *run = run_payload(plain, target(at.plain, "Mirror"), payload);
    has(run->message, why, payload);
    has(run->details, "\"method\":\"shop.Shop/Mirror\"", "details");
    CHECK(strcmp(run->pointer, pointer) == 0, "%s: %s", payload, run->pointer);
    settle_as(run, SPINDLE_PERMANENT, "grpc.message", payload);
}

static void field_refused(const char *name, const char *value, const char *why) {
    struct run *run = GO(plain, target(at.plain, "Mirror"), name, value);
    has(run->message, why, name);
    settle_as(run, SPINDLE_PERMANENT, "grpc.message", name);
}

static void test_kinds(void) {
    static const char *const same[] = {
        "{}", "{\"d\":1.5}", "{\"d\":\"NaN\"}", "{\"f\":0.25}", "{\"i32\":-2147483648}", "{\"i64\":\"-9223372036854775808\"}",
        "{\"u32\":4294967295}", "{\"u64\":\"18446744073709551615\"}", "{\"s32\":-7}", "{\"s64\":\"-7\"}", "{\"x32\":7}",
        "{\"x64\":\"7\"}", "{\"sx32\":-7}", "{\"sx64\":\"-7\"}", "{\"b\":true}", "{\"s\":\"Grüße \\\"q\\\" 🙂\"}",
        "{\"data\":\"AP8Q\"}", "{\"status\":\"SHIPPED\"}", "{\"item\":{\"sku\":\"x\",\"quantity\":1}}",
        "{\"numbers\":[1,2,3]}", "{\"items\":[{\"sku\":\"x\"},{\"quantity\":2}]}", "{\"byName\":{\"k\":{\"sku\":\"x\"}}}",
        "{\"at\":\"2026-01-02T03:04:05.678Z\"}", "{\"lasts\":\"1.500s\"}", "{\"maybe\":\"0\"}",
        "{\"free\":{\"a\":[1,null,\"x\",{\"b\":true}]}}",
        "{\"any\":{\"@type\":\"type.googleapis.com/shop.Item\",\"sku\":\"x\",\"quantity\":3}}", "{\"left\":\"l\"}", "{\"right\":0}",
        "{\"any\":{\"@type\":\"type.googleapis.com/google.protobuf.Duration\",\"value\":\"2s\"}}",
    };
    size_t i;
    for (i = 0; i < sizeof same / sizeof *same; i++) mirror(same[i], same[i]);
    mirror("{\"by_name\": {}, \"metadata_x\": \"v\", \"u64\": 12, \"status\": 1}", "{\"u64\":\"12\",\"status\":\"OPEN\",\"metadataX\":\"v\"}");
    mirror("{\"s\": \"a\\u0000b\"}", "{\"s\":\"a\\u0000b\"}");
}

static void test_fields(void) {
    static const struct {
        const char *name, *value, *want;
    } cases[] = {
        {"d", "-2.5e3", "{\"d\":-2500}"},
        {"i32", "-12", "{\"i32\":-12}"},
        {"i64", "9223372036854775807", "{\"i64\":\"9223372036854775807\"}"},
        {"u64", "18446744073709551615", "{\"u64\":\"18446744073709551615\"}"},
        {"b", "true", "{\"b\":true}"},
        {"s", "true", "{\"s\":\"true\"}"},
        {"s", "{\"not\": \"read\"}", "{\"s\":\"{\\\"not\\\": \\\"read\\\"}\"}"},
        {"s", "", "{}"},
        {"data", "AP8Q", "{\"data\":\"AP8Q\"}"},
        {"status", "SHIPPED", "{\"status\":\"SHIPPED\"}"},
        {"status", "2", "{\"status\":\"SHIPPED\"}"},
        {"item", "{\"sku\": \"x\"}", "{\"item\":{\"sku\":\"x\"}}"},
        {"item.quantity", "4", "{\"item\":{\"quantity\":4}}"},
        {"numbers", "1", "{\"numbers\":[1]}"}, /* as protobuf's JSON has it */
        {"numbers", "[1, 2]", "{\"numbers\":[1,2]}"},
        {"items", "[{\"sku\": \"x\"}]", "{\"items\":[{\"sku\":\"x\"}]}"},
        {"by_name", "{\"k\": {\"quantity\": 1}}", "{\"byName\":{\"k\":{\"quantity\":1}}}"},
        {"byName", "{\"k\": {}}", "{\"byName\":{\"k\":{}}}"},
        {"at", "2026-01-02T03:04:05Z", "{\"at\":\"2026-01-02T03:04:05Z\"}"},
        {"lasts", "3s", "{\"lasts\":\"3s\"}"},
        {"maybe", "12", "{\"maybe\":\"12\"}"},
        {"free", "{\"a\": 1}", "{\"free\":{\"a\":1}}"},
        {"Field_metadata_x", "v", "{\"metadataX\":\"v\"}"},
        {"metadataX", "v", "{\"metadataX\":\"v\"}"},
        {"right", "0", "{\"right\":0}"},
    };
    struct run *run;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) mirror_field(cases[i].name, cases[i].value, cases[i].want);
    run = GO(plain, target(at.plain, "Mirror"), "item.sku", "x", "item.quantity", "2", "s", "y");
    CHECK(strcmp(run->output, "{\"s\":\"y\",\"item\":{\"sku\":\"x\",\"quantity\":2}}") == 0, "%s", run->output);
    run_free(run);
    run = GO(plain, target(at.plain, "GetOrder"), "EmitDefaults", "true", "order_id", "0");
    has(run->output, "\"orderId\":\"0\"", "defaults");
    run_free(run);
}

static void test_wrong(void) {
    struct run *run;
    refused("{\"item\": {\"skew\": 1}}", "shop.Item has no field \"skew\"; did you mean \"sku\"?", "/item/skew");
    refused("{\"items\": [{}, {\"quantty\": 1}]}", "did you mean \"quantity\"?", "/items/1/quantty");
    refused("{\"by_name\": {\"a/b\": {\"x\": 1}}}", "shop.Item has no field \"x\"", "/by_name/a~1b/x");
    refused("{\"zebra\": 1}", "shop.Kinds has no field \"zebra\"", "/zebra");
    refused("{\"i32\": \"x\"}", "does not fit shop.Kinds", "");
    refused("{\"i32\": 2147483648}", "does not fit", "");
    refused("{\"i32\": 1.5}", "does not fit", "");
    refused("{\"b\": 1}", "does not fit", "");
    refused("{\"status\": \"LOST\"}", "does not fit", "");
    refused("{\"data\": \"***\"}", "does not fit", "");
    refused("{\"at\": \"yesterday\"}", "does not fit", "");
    refused("{\"left\": \"a\", \"right\": 1}", "does not fit", "");
    refused("{\"any\": {\"@type\": \"type.googleapis.com/shop.Nothing\"}}", "does not fit", "");
    refused("[1]", "does not fit", "");
    refused("{\"s\": \"a\", \"s\": \"b\"}", "not JSON", "");
    refused("{\"s\": ", "not JSON", "");
    refused("\xff", "not JSON", "");
    field_refused("b", "yes", "true or false");
    field_refused("numbers", "one", "a JSON array");
    field_refused("item", "x", "a JSON value");
    field_refused("s.x", "x", "s is no message");
    field_refused("items.sku", "x", "items is no message");
    field_refused("itm", "x", "did you mean \"item\"?");
    field_refused("item.sko", "x", "did you mean \"sku\"?");
    field_refused("MaxResponsBytes", "1", "did you mean \"MaxResponseBytes\"?");
    /* What is a secret is not quoted, by no library. */
    static const char *const kinds[] = {"i32", "item", "numbers", "at", "data"};
    size_t i;
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        run = GO(plain, target(at.plain, "Mirror"), kinds[i], "secret://token", "s", "x");
        CHECK(strstr(run->message, "s3cret") == NULL && strstr(run->details, "s3cret") == NULL, "%s", run->message);
        settle_as(run, SPINDLE_PERMANENT, "grpc.message", kinds[i]);
    }
    static char deep[200001];
    for (i = 0; i + 1 < sizeof deep; i += 2) memcpy(deep + i, "n.", 2);
    field_refused(deep, "x", "more than 64 messages deep");
    run = GO(plain, target(at.plain, "Mirror"), "item", "{}", "item.sku", "x");
    expect(run, SPINDLE_SUCCESS, "", "a message and a field of it");
    CHECK(strcmp(run->output, "{\"item\":{\"sku\":\"x\"}}") == 0, "%s", run->output);
    run_free(run);
    run = GO(plain, target(at.plain, "Mirror"), "by_name", "{}", "byName", "{}");
    has(run->message, "given twice", "twice");
    settle_as(run, SPINDLE_PERMANENT, "grpc.message", "twice");
}

void test_messages(void) {
    test_kinds();
    test_fields();
    test_wrong();
}
