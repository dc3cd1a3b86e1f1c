/* What never leaves this machine: targets, parameters, addresses and configurations that are wrong. */
#include "harness.h"

static void test_targets(void) {
    static const char *const bad[] = {
        "", "grpc://", "http://127.0.0.1:1/a.B/C", "127.0.0.1:1/a.B/C", "grpc://127.0.0.1/a.B/C", "grpc://127.0.0.1:1",
        "grpc://127.0.0.1:1/", "grpc://127.0.0.1:1/a.B", "grpc://127.0.0.1:1/a.B/", "grpc://127.0.0.1:1//C",
        "grpc://127.0.0.1:1/a.B/C/D", "grpc://127.0.0.1:1/a..B/C", "grpc://127.0.0.1:1/.B/C", "grpc://127.0.0.1:1/a.B./C",
        "grpc://127.0.0.1:1/a.B/C?x", "grpc://127.0.0.1:1/a.1B/C", "grpc://127.0.0.1:1/a B/C", "grpc://127.0.0.1:0/a.B/C",
        "grpc://127.0.0.1:65536/a.B/C", "grpc://127.0.0.1:x/a.B/C", "grpc://127.0.0.1:/a.B/C", "grpc://127.0.0.1:-1/a.B/C",
        "grpc://user@127.0.0.1:1/a.B/C", "grpc://127.1:1/a.B/C", "grpc://2130706433:1/a.B/C", "grpc://0x7f000001:1/a.B/C",
        "grpc://0177.0.0.1:1/a.B/C", "grpc://127.0.0.1.:1/a.B/C", "grpc://::1:1/a.B/C", "grpc://[::1]/a.B/C",
        "grpc://[::1%25lo]:1/a.B/C", "grpc://[127.0.0.1]:1/a.B/C", "grpc://[::1]x:1/a.B/C", "grpc://[::1:1/a.B/C",
        "grpc://a_b..c:1/a.B/C", "grpc://ex\xc3\xa4mple:1/a.B/C", "grpc://a%2e:1/a.B/C", "grpc://:1/a.B/C", "grpc://a\\b:1/a.B/C",
        "grpc://a\nb:1/a.B/C", "unix:///tmp/x", "dns:///127.0.0.1:1/a.B/C", "grpc://a,b:1/a.B/C",
    };
    size_t i;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct run *run = GO(plain, bad[i]);
        CHECK(run->returned == SPINDLE_E_INVALID, "%s: %d", bad[i], run->returned);
        settle_as(run, SPINDLE_PERMANENT, "grpc.target", bad[i]);
    }
    static char longest[3000];
    memset(longest, 'a', sizeof longest - 1);
    memcpy(longest, "grpc://", 7);
    settle_as(GO(plain, longest), SPINDLE_PERMANENT, "grpc.target", "a very long target");
}

static void parameter(const char *name, const char *value, const char *why) {
    struct run *run = GO(plain, target(at.plain, "WhoAmI"), name, value);
    CHECK(run->returned == SPINDLE_E_INVALID, "%s: %d", name, run->returned);
    has(run->message, why, name);
    CHECK(run->pointer[0] == '/', "%s: %s", name, run->pointer);
    settle_as(run, SPINDLE_PERMANENT, "grpc.parameter", name);
}

static void test_parameters(void) {
    static char large[20000];
    struct run *run;
    int i;
    parameter("MaxResponseBytes", "-1", "0 to 1048576");
    parameter("maxresponsebytes", "1048577", "0 to 1048576");
    parameter("MaxResponseBytes", "1e3", "0 to 1048576");
    parameter("EmitDefaults", "yes", "true or false");
    parameter("Metadata_", "x", "the name is missing");
    parameter("metadata_", "", "the name is missing");
    parameter("Metadata_a b", "x", "letters, digits");
    parameter("Metadata_:path", "x", "letters, digits");
    parameter("Metadata_x", "line\nend", "printable ASCII");
    parameter("Metadata_x", "\x7f", "printable ASCII");
    parameter("Metadata_x", "gr\xc3\xbc\xc3\x9f", "printable ASCII");
    parameter("Metadata_x-bin", "***", "base64");
    parameter("Metadata_x-bin", "A", "base64");
    parameter("Metadata_x", "secret://other", "no such secret");
    parameter("Metadata_x", "Bearer secret://other", "no such secret");
    parameter("some_field", "secret://other", "no such secret");
    static const char *const reserved[] = {"te", "Content-Type", "User-Agent", "host", "connection", "grpc-timeout", "GRPC-x"};
    for (i = 0; i < (int)(sizeof reserved / sizeof *reserved); i++) {
        parameter(text("Metadata_%s", reserved[i]), "x", "the library's own");
    }
    memset(large, 'x', sizeof large - 1);
    parameter("Metadata_x", large, "16 KiB");
    run = GO(plain, target(at.plain, "WhoAmI"), "Metadata_X", "1", "Metadata_x", "2");
    has(run->message, "given twice", "twice");
    settle_as(run, SPINDLE_PERMANENT, "grpc.parameter", "twice");
    run = run_new(plain, target(at.plain, "WhoAmI"));
    for (i = 0; i < 101; i++) run_param(run, strdup(text("Metadata_m%d", i)), "x");
    run_execute(run);
    run_wait(run);
    has(run->message, "more than 100 entries", "too many");
    for (i = 0; i < 101; i++) free((char *)run->parameters[i].key.ptr);
    settle_as(run, SPINDLE_PERMANENT, "grpc.parameter", "too many");
    run = run_new(plain, target(at.plain, "GetOrder"));
    run->request.payload = SPINDLE_STR("{}");
    run_param(run, "order_id", "1");
    run_execute(run);
    run_wait(run);
    has(run->message, "not both", "payload and fields");
    settle_as(run, SPINDLE_PERMANENT, "grpc.parameter", "payload and fields");
}

void test_refusals(void) {
    test_targets();
    test_parameters();
}

void test_addresses(void) {
    static const char *const never[] = {"169.254.169.254", "0.0.0.0", "224.0.0.1", "100.100.100.200", "168.63.129.16", "[fe80::1]",
                                        "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]",
                                        "[fd00:ec2::254]", "[::]", "metadata.test", "mixed.test", "mapped.test", "nat64.test"};
    void *open_web = instance_with("{\"addresses\": \"public\"}");
    void *excepted = instance_with(text("{\"addresses\": \"public\", \"allow\": [\"127.0.0.1:%d\"]}", at.plain));
    struct run *run;
    size_t i;
    for (i = 0; i < sizeof never / sizeof *never; i++) {
        run = GO(plain, text("grpc://%s:%d/shop.Shop/GetOrder", never[i], at.plain));
        CHECK(run->metadata_count == 0 && run->details[0] == '\0', "%s tells something", never[i]);
        settle_as(run, SPINDLE_PERMANENT, "grpc.address", never[i]);
    }
    settle_as(GO(open_web, target(at.plain, "GetOrder")), SPINDLE_PERMANENT, "grpc.address", "loopback at public");
    settle_as(GO(open_web, target_at("grpc", "private.test", 1, "a.B/C")), SPINDLE_PERMANENT, "grpc.address", "private at public");
    settle_as(GO(excepted, target(at.plain, "GetOrder")), SPINDLE_SUCCESS, "", "allowed");
    settle_as(GO(excepted, target(at.v1, "GetOrder")), SPINDLE_PERMANENT, "grpc.address", "another port");
    settle_as(GO(plain, target_at("grpc", "two.test", at.plain, "shop.Shop/GetOrder")), SPINDLE_SUCCESS, "", "two addresses");
    settle_as(GO(plain, target_at("grpc", "firstdead.test", at.plain, "shop.Shop/GetOrder")), SPINDLE_SUCCESS, "", "the first is dead");
    settle_as(GO(plain, target_at("grpc", "both.test", at.plain, "shop.Shop/GetOrder")), SPINDLE_SUCCESS, "", "IPv6 and IPv4");
    /* Asked once; what was judged is what is connected to. */
    settle_as(GO(plain, target_at("grpc", "rebind.test", at.plain, "shop.Shop/GetOrder")), SPINDLE_SUCCESS, "", "before the rebinding");
    settle_as(GO(plain, target_at("grpc", "rebind.test", at.plain, "shop.Shop/GetOrder")), SPINDLE_PERMANENT, "grpc.address",
              "after the rebinding, though there is a connection");
    run = GO(plain, target_at("grpc", "nowhere.test", at.plain, "shop.Shop/GetOrder"));
    has(run->message, "could not be resolved", "no name");
    settle_as(run, SPINDLE_RETRYABLE, "grpc.dns", "no such name");
    settle_as(GO(plain, target_at("grpc", "again.test", at.plain, "shop.Shop/GetOrder")), SPINDLE_RETRYABLE, "grpc.dns", "no resolver");
    instance_end(open_web);
    instance_end(excepted);
}
