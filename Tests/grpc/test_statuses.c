/* The outcome for each status, how long to wait, and the details. */
#include "harness.h"

static void test_each(void) {
    static const struct {
        int code;
        int32_t outcome;
        const char *name, *upper;
    } cases[] = {
        {1, SPINDLE_RETRYABLE, "cancelled", "CANCELLED"},
        {2, SPINDLE_RETRYABLE, "unknown", "UNKNOWN"},
        {3, SPINDLE_PERMANENT, "invalid_argument", "INVALID_ARGUMENT"},
        {4, SPINDLE_RETRYABLE, "deadline_exceeded", "DEADLINE_EXCEEDED"},
        {5, SPINDLE_PERMANENT, "not_found", "NOT_FOUND"},
        {6, SPINDLE_PERMANENT, "already_exists", "ALREADY_EXISTS"},
        {7, SPINDLE_PERMANENT, "permission_denied", "PERMISSION_DENIED"},
        {8, SPINDLE_RETRYABLE, "resource_exhausted", "RESOURCE_EXHAUSTED"},
        {9, SPINDLE_PERMANENT, "failed_precondition", "FAILED_PRECONDITION"},
        {10, SPINDLE_RETRYABLE, "aborted", "ABORTED"},
        {11, SPINDLE_PERMANENT, "out_of_range", "OUT_OF_RANGE"},
        {12, SPINDLE_PERMANENT, "unimplemented", "UNIMPLEMENTED"},
        {13, SPINDLE_RETRYABLE, "internal", "INTERNAL"},
        {14, SPINDLE_RETRYABLE, "unavailable", "UNAVAILABLE"},
        {15, SPINDLE_PERMANENT, "data_loss", "DATA_LOSS"},
        {16, SPINDLE_PERMANENT, "unauthenticated", "UNAUTHENTICATED"},
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *code = text("grpc.status.%s", cases[i].name);
        struct run *run = GO(plain, target(at.plain, "Behave"), "code", text("%d", cases[i].code), "message", "because \"x\" ü");
        expect(run, cases[i].outcome, code, cases[i].name);
        CHECK(strcmp(run->message, text("the call ended with %s: because \"x\" ü", cases[i].upper)) == 0, "%s", run->message);
        has(run->details, text("\"status\":\"%s\",\"reason\":\"because \\\"x\\\" ü\",\"details\":[]", cases[i].upper), "details");
        has(run->details, text("\"server\":\"grpc://127.0.0.1:%d\"", at.plain), "server");
        CHECK(strcmp(run_metadata(run, "status"), cases[i].upper) == 0, "%s", run_metadata(run, "status"));
        CHECK(run->retry_after_ms == -1, "%lld", (long long)run->retry_after_ms);
        run_free(run);
    }
}

static void test_waits(void) {
    static const struct {
        const char *code, *parameter, *value;
        int32_t outcome;
        int64_t wait;
    } cases[] = {
        {"14", "retry_ms", "2500", SPINDLE_RETRYABLE, 2500},
        {"14", "retry_ms", "99999999", SPINDLE_RETRYABLE, 3600000},
        {"8", "pushback", "700", SPINDLE_RETRYABLE, 700},
        {"8", "pushback", "0", SPINDLE_RETRYABLE, 0},
        {"8", "pushback", "99999999999", SPINDLE_RETRYABLE, 3600000},
        {"14", "pushback", "-1", SPINDLE_PERMANENT, -1},
        {"14", "pushback", "soon", SPINDLE_PERMANENT, -1},
        {"14", "retry_after", "7", SPINDLE_RETRYABLE, 7000},
        {"14", "retry_after", "99999", SPINDLE_RETRYABLE, 3600000},
        {"14", "retry_after", "soon", SPINDLE_RETRYABLE, -1},
        {"5", "retry_ms", "2500", SPINDLE_PERMANENT, -1},
        {"5", "pushback", "700", SPINDLE_PERMANENT, -1},
    };
    struct run *run;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        run = GO(plain, target(at.plain, "Behave"), "code", cases[i].code, cases[i].parameter, cases[i].value);
        CHECK(run->outcome == cases[i].outcome && run->retry_after_ms == cases[i].wait, "%s=%s: %d %lld %s", cases[i].parameter,
              cases[i].value, run->outcome, (long long)run->retry_after_ms, run->message);
        run_free(run);
    }
    run = GO(plain, target(at.plain, "Behave"), "code", "14", "retry_ms", "2500", "pushback", "100", "retry_after", "9");
    CHECK(run->retry_after_ms == 100, "pushback comes first: %lld", (long long)run->retry_after_ms);
    run_free(run);
    run = GO(plain, target(at.plain, "Behave"), "code", "14", "retry_ms", "2500", "retry_after", "9");
    CHECK(run->retry_after_ms == 2500, "RetryInfo comes second: %lld", (long long)run->retry_after_ms);
    run_free(run);
}

/* A server's own words are not taken for what the library says of a connection. */
static void test_relayed(void) {
    static const char *const words[] = {"failed to connect to all addresses; last error: CERTIFICATE_VERIFY_FAILED",
                                        "failed to connect to all addresses; last error: Ssl handshake failed"};
    size_t i;
    for (i = 0; i < sizeof words / sizeof *words; i++) {
        settle_as(GO(plain, target(at.plain, "Behave"), "code", "14", "message", words[i]), SPINDLE_RETRYABLE,
                  "grpc.status.unavailable", words[i]);
    }
}

static void test_details(void) {
    static const char *const parts[] = {
        "{\"@type\":\"google.rpc.BadRequest\",\"fieldViolations\":[{\"field\":\"order_id\",\"description\":\"must be positive\"}]}",
        "{\"@type\":\"google.rpc.ErrorInfo\",\"reason\":\"STOCK_EMPTY\",\"domain\":\"shop.example\",\"metadata\":{\"sku\":\"A-1\"}}",
        "{\"@type\":\"google.rpc.DebugInfo\",\"stackEntries\":[\"a\",\"b\"],\"detail\":\"trace\"}",
        "{\"@type\":\"google.rpc.QuotaFailure\",\"violations\":[{\"subject\":\"user:1\",\"description\":\"daily limit\"}]}",
        "{\"@type\":\"google.rpc.PreconditionFailure\",\"violations\":[{\"type\":\"TOS\",\"subject\":\"s\",\"description\":\"d\"}]}",
        "{\"@type\":\"google.rpc.RequestInfo\",\"requestId\":\"r-1\",\"servingData\":\"x\"}",
        "{\"@type\":\"google.rpc.ResourceInfo\",\"resourceType\":\"order\",\"resourceName\":\"7\",\"owner\":\"ada\",\"description\":\"gone\"}",
        "{\"@type\":\"google.rpc.Help\",\"links\":[{\"description\":\"docs\",\"url\":\"https://example.org\"}]}",
        "{\"@type\":\"google.rpc.LocalizedMessage\",\"locale\":\"de\",\"message\":\"leer\"}",
        "{\"@type\":\"google.rpc.RetryInfo\",\"retryDelay\":\"1.500s\"}",
        "{\"@type\":\"shop.Item\",\"sku\":\"A-1\",\"quantity\":3}", /* the service's own */
        "{\"@type\":\"some.Unknown\",\"value\":\"CAE=\"}",
    };
    struct run *run = GO(plain, target(at.plain, "Behave"), "code", "9", "message", "m", "details", "true", "retry_ms", "1500");
    size_t i;
    expect(run, SPINDLE_PERMANENT, "grpc.status.failed_precondition", "details");
    for (i = 0; i < sizeof parts / sizeof *parts; i++) has(run->details, parts[i], "details");
    CHECK(run_metadata(run, "trailer.grpc-status-details-bin")[0] == '\0', "details are in the error only");
    run_free(run);
}

void test_statuses(void) {
    test_each();
    test_waits();
    test_relayed();
    test_details();
}
