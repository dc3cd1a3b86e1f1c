/* Where descriptors come from, and what happens without. */
#include "harness.h"

static void test_reflection(void) {
    struct run *run = GO(plain, target(at.v1, "GetOrder"), "order_id", "1");
    settle_as(run, SPINDLE_SUCCESS, "", "reflection v1");
    run = GO(plain, target(at.bare, "GetOrder"));
    has(run->message, "no reflection", "bare");
    settle_as(run, SPINDLE_PERMANENT, "grpc.descriptors", "a server without reflection");
    run = GO(plain, target_at("grpc", "127.0.0.1", at.plain, "shop.Shop/GetOrdr"));
    CHECK(strcmp(run->message, "shop.Shop has no method GetOrdr; did you mean \"GetOrder\"?") == 0, "%s", run->message);
    settle_as(run, SPINDLE_PERMANENT, "grpc.method", "no such method");
    run = GO(plain, target_at("grpc", "127.0.0.1", at.plain, "shop.Shop/Zebra"));
    has(run->message, "it has GetOrder, Mirror,", "the methods");
    settle_as(run, SPINDLE_PERMANENT, "grpc.method", "no such method");
    run = GO(plain, target_at("grpc", "127.0.0.1", at.plain, "shop.Shoop/GetOrder"));
    CHECK(strcmp(run->message, "the server has no service shop.Shoop; did you mean \"shop.Shop\"?") == 0, "%s", run->message);
    settle_as(run, SPINDLE_PERMANENT, "grpc.method", "no such service");
    run = GO(plain, target_at("grpc", "127.0.0.1", at.plain, "a.completely.other.Service/GetOrder"));
    has(run->message, "; it has grpc.reflection.v1alpha.ServerReflection, shop.Shop", "the services");
    settle_as(run, SPINDLE_PERMANENT, "grpc.method", "no such service");
    /* A message is no service. */
    settle_as(GO(plain, target_at("grpc", "127.0.0.1", at.plain, "shop.Order/GetOrder")), SPINDLE_PERMANENT, "grpc.descriptors",
              "a message");
    /* The service that reflection itself is. */
    run = run_payload(plain, target_at("grpc", "127.0.0.1", at.plain, "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
                      "[{\"list_services\": \"\"}]");
    expect(run, SPINDLE_SUCCESS, "", "list of services");
    has(run->output, "shop.Shop", "list of services");
    run_free(run);
}

static void test_age(void) {
    void *forgetful = instance_with("{\"descriptorsAgeMs\": 0}");
    struct run *run;
    int counts[2], i;
    for (i = 0; i < 2; i++) {
        run_free(GO(forgetful, target(at.plain, "GetOrder")));
        run = GO(plain, target(at.plain, "See"));
        counts[i] = strstr(run->output, "\"reflections\":") == NULL ? -1 : atoi(strstr(run->output, "\"reflections\":") + 14);
        run_free(run);
    }
    CHECK(counts[0] > 0 && counts[1] == counts[0] + 1, "%d then %d", counts[0], counts[1]);
    instance_end(forgetful);
}

static void test_file(void) {
    void *filed = instance_with(text("{\"descriptors\": \"%s/shop.pb\", \"reflection\": false}", at.directory));
    void *mixed = instance_with(text("{\"descriptors\": \"%s/other.pb\"}", at.directory));
    struct run *run = GO(filed, target(at.bare, "GetOrder"), "order_id", "5");
    expect(run, SPINDLE_SUCCESS, "", "from a file");
    CHECK(strcmp(run_metadata(run, "descriptors"), "file") == 0, "%s", run_metadata(run, "descriptors"));
    run_free(run);
    run = GO(filed, target_at("grpc", "127.0.0.1", at.bare, "shop.Shops/GetOrder"));
    CHECK(strcmp(run->message, "the configured descriptors have no service shop.Shops; did you mean \"shop.Shop\"?") == 0, "%s",
          run->message);
    settle_as(run, SPINDLE_PERMANENT, "grpc.method", "not in the file");
    settle_as(GO(filed, target(at.bare, "GetOrders")), SPINDLE_PERMANENT, "grpc.method", "no such method in the file");
    /* What the file does not have is asked of the server, and what it has is not. */
    run = GO(mixed, target(at.plain, "GetOrder"));
    CHECK(strcmp(run_metadata(run, "descriptors"), "reflection") == 0, "%s", run_metadata(run, "descriptors"));
    settle_as(run, SPINDLE_SUCCESS, "", "by reflection");
    run = GO(mixed, target_at("grpc", "127.0.0.1", at.plain, "other.Elsewhere/Go"));
    CHECK(strcmp(run_metadata(run, "descriptors"), "file") == 0, "%s", run_metadata(run, "descriptors"));
    settle_as(run, SPINDLE_PERMANENT, "grpc.status.unimplemented", "in the file, not at the server");
    /* The server's message is not what the file says: other.Elsewhere/Order names shop.Order otherwise. */
    instance_end(filed);
    filed = instance_with(text("{\"descriptors\": \"%s/wrong.pb\"}", at.directory));
    run = GO(filed, target(at.bare, "GetOrder"));
    CHECK(strcmp(run->message, "the server's message does not fit shop.Order: it is damaged, or these are not its descriptors") == 0,
          "%s", run->message);
    settle_as(run, SPINDLE_PERMANENT, "grpc.response", "an answer that its descriptors do not fit");
    run = GO(filed, target(at.bare, "Mirror"), "data", "AP8Q");
    has(run->message, "does not fit shop.Text: data is not UTF-8", "bytes read as text");
    settle_as(run, SPINDLE_PERMANENT, "grpc.response", "a text that is not UTF-8");
    run = GO(filed, target(at.bare, "Mirror"), "data", "YQ==");
    CHECK(strcmp(run->output, "{\"data\":\"a\"}") == 0, "%s", run->output);
    settle_as(run, SPINDLE_SUCCESS, "", "a text that is UTF-8");
    instance_end(filed);
    filed = instance_with(text("{\"descriptors\": \"%s/strict.pb\"}", at.directory));
    run = GO(filed, target(at.bare, "GetOrder"));
    has(run->message, "fit shop.OrderRequest: : missing field order_id", "proto2");
    settle_as(run, SPINDLE_PERMANENT, "grpc.message", "a required field of the request");
    run = GO(filed, target(at.bare, "GetOrder"), "order_id", "5");
    has(run->message, "does not fit shop.Order: paid is required and missing", "proto2");
    settle_as(run, SPINDLE_PERMANENT, "grpc.response", "a required field of the response");
    instance_end(filed);
    instance_end(mixed);
}

/* Of two jobs that wait for the same descriptors, the credentials of one are not the other's. */
static void test_shared(void) {
    struct run *runs[50];
    void *fresh = instance_with("{}");
    int i;
    for (i = 0; i < 50; i++) {
        runs[i] = run_new(fresh, target(at.plain, "GetOrder"));
        run_param(runs[i], "Metadata_who", i % 2 ? "a" : "b");
        run_execute(runs[i]);
        if (i % 5 == 0) run_cancel(runs[i], SPINDLE_CANCEL_USER);
    }
    for (i = 0; i < 50; i++) {
        run_wait(runs[i]);
        if (i % 5 == 0) CHECK(runs[i]->outcome == SPINDLE_CANCELLED || runs[i]->outcome == SPINDLE_SUCCESS, "%s", runs[i]->message);
        else expect(runs[i], SPINDLE_SUCCESS, "", "many at once");
        run_free(runs[i]);
    }
    instance_end(fresh);
}

void test_descriptors(void) {
    test_reflection();
    test_age();
    test_file();
    test_shared();
}
