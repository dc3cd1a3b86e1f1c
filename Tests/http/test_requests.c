/* What is sent, and what the status makes of it. */
#include "harness.h"

void test_basics(void) {
    struct run *run = GO(plain, url("/status/200"));
    expect(run, SPINDLE_SUCCESS, "", "200");
    CHECK(run->returned == SPINDLE_PENDING, "%d", run->returned);
    CHECK(strncmp(run->output, "body of 200", 11) == 0, "%s", run->output);
    CHECK(strcmp(run_metadata(run, "status"), "200") == 0, "%s", run_metadata(run, "status"));
    CHECK(strcmp(run_metadata(run, "httpVersion"), "1.1") == 0, "%s", run_metadata(run, "httpVersion"));
    CHECK(strcmp(run_metadata(run, "remoteIp"), "127.0.0.1") == 0, "%s", run_metadata(run, "remoteIp"));
    CHECK(strcmp(run_metadata(run, "header.content-length"), "18") == 0, "%s", run_metadata(run, "header.content-length"));
    run_free(run);
    run = GO(plain, url("/status/500"));
    expect(run, SPINDLE_RETRYABLE, "http.status.500", "500");
    CHECK(strstr(run->details, "\"body\":\"body of 500 \\\"q\\\" \\u0001\\ufffd\"") != NULL, "%s", run->details);
    CHECK(run->output_length == 18, "%zu", run->output_length);
    run_free(run);
    quick(plain, url("/status/204"), SPINDLE_SUCCESS, "");
    quick(plain, url("/status/404"), SPINDLE_PERMANENT, "http.status.404");
    quick(plain, url("/status/408"), SPINDLE_RETRYABLE, "http.status.408");
    quick(plain, url("/status/429"), SPINDLE_RETRYABLE, "http.status.429");
    quick(plain, url("/status/503"), SPINDLE_RETRYABLE, "http.status.503");
    quick(plain, url("/status/302"), SPINDLE_PERMANENT, "http.status.302");
    quick(plain, url("/reset"), SPINDLE_RETRYABLE, "http.connection");
    quick(plain, url("/partial"), SPINDLE_RETRYABLE, "http.connection");
    quick(plain, url("/garbage"), SPINDLE_PERMANENT, "http.protocol");
    quick(plain, url("/interim"), SPINDLE_SUCCESS, "");
    quick(plain, url("/headers/300"), SPINDLE_PERMANENT, "http.headers");
    quick(plain, url("/headers/150"), SPINDLE_PERMANENT, "http.headers");
    quick(plain, url("/headers/50"), SPINDLE_SUCCESS, "");
    quick(plain, "http://127.0.0.1:1/", SPINDLE_RETRYABLE, "http.connect");
    quick(plain, "ftp://127.0.0.1/", SPINDLE_PERMANENT, "http.url");
    quick(plain, "", SPINDLE_PERMANENT, "http.url");
    run = GO(plain, url("/status/418"), "ExpectedStatus", "200, 418-419");
    expect(run, SPINDLE_SUCCESS, "", "418 expected");
    run_free(run);
    run = GO(plain, url("/status/200"), "expectedstatus", "201");
    expect(run, SPINDLE_PERMANENT, "http.status.200", "200 not expected");
    run_free(run);
    run = GO(plain, url("/chunked"));
    CHECK(strcmp(run->output, "onetwothree") == 0, "%s", run->output);
    run_free(run);
    run = GO(plain, url("/big/100000"), "Method", "HEAD");
    expect(run, SPINDLE_SUCCESS, "", "HEAD");
    CHECK(run->output_length == 0, "%zu", run->output_length);
    run_free(run);
}

void test_retry_after(void) {
    static const struct {
        const char *path;
        int64_t least, most;
    } cases[] = {{"/after/7", 7000, 7000},   {"/after/0", 0, 0},           {"/after/999999", 3600000, 3600000},
                 {"/after/soon", -1, -1},    {"/afterdate/60", 55000, 61000}, {"/afterdate/-60", 0, 0},
                 {"/afterdate/9999", 3600000, 3600000}, {"/status/503", -1, -1}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run *run = GO(plain, url(cases[i].path));
        CHECK(run->retry_after_ms >= cases[i].least && run->retry_after_ms <= cases[i].most, "%s: %lld", cases[i].path,
              (long long)run->retry_after_ms);
        run_free(run);
    }
}

void test_requests(void) {
    struct run *run = run_new(plain, url("/echo?q=1#fragment"));
    run->request.idempotency_key = SPINDLE_STR("key-1");
    run->request.traceparent = SPINDLE_STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    run->request.tracestate = SPINDLE_STR("a=b");
    run_param(run, "Body", "{\"x\":1}");
    run_param(run, "Header_X-Api_Key", "v w");
    run_param(run, "header_Authorization", "Bearer secret://token");
    run_param(run, "Header_X-Empty", "");
    run_param(run, "Methud", "GET");
    sent(run);
    expect(run, SPINDLE_SUCCESS, "", "echo");
    HAS(run, "\"method\": \"POST\"");
    HAS(run, "\"path\": \"/echo?q=1\"");
    HAS(run, "{\\\"x\\\":1}");
    HAS(run, "[\"Content-Type\", \"application/json\"]");
    HAS(run, "[\"X-Api_Key\", \"v w\"]");
    HAS(run, "[\"Authorization\", \"Bearer s3cret-value\"]");
    HAS(run, "[\"X-Empty\", \"\"]");
    HAS(run, "[\"Idempotency-Key\", \"key-1\"]");
    HAS(run, "[\"traceparent\", \"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"]");
    HAS(run, "[\"tracestate\", \"a=b\"]");
    HAS(run, "[\"User-Agent\", \"spindle-http/1\"]");
    LACKS(run, "Expect");
    CHECK(strcmp(run_metadata(run, "header.x-twice"), "a, b") == 0, "%s", run_metadata(run, "header.x-twice"));
    CHECK(run_metadata(run, "header.set-cookie")[0] == '\0', "cookie kept");
    CHECK(strcmp(run->content_type, "application/json") == 0, "%s", run->content_type);
    CHECK(strstr(fake_last_log, "did you mean \"Method\"") != NULL, "%s", fake_last_log);
    run_free(run);

    run = run_new(plain, url("/echo"));
    run->request.payload = SPINDLE_STR("raw\0bytes");
    run->request.content_type = SPINDLE_STR("application/x-raw");
    run->request.idempotency_key = SPINDLE_STR("key-1");
    run_param(run, "Method", "put");
    run_param(run, "Header_idempotency-key", "mine");
    sent(run);
    HAS(run, "\"method\": \"PUT\"");
    HAS(run, "raw\\u0000bytes");
    HAS(run, "[\"Content-Type\", \"application/x-raw\"]");
    HAS(run, "[\"idempotency-key\", \"mine\"]");
    LACKS(run, "key-1");
    run_free(run);

    run = GO(plain, url("/echo"), "Method", "POST");
    HAS(run, "\"method\": \"POST\"");
    HAS(run, "[\"Content-Length\", \"0\"]");
    LACKS(run, "urlencoded");
    run_free(run);
    run = GO(plain, url("/echo"), "Method", "DELETE");
    HAS(run, "\"method\": \"DELETE\"");
    LACKS(run, "Content-");
    run_free(run);
    run = GO(plain, url("/echo"), "Method", "PATCH", "Body", "x", "ContentType", "text/plain");
    HAS(run, "\"method\": \"PATCH\"");
    HAS(run, "[\"Content-Type\", \"text/plain\"]");
    run_free(run);
    run = GO(plain, url("/echo"), "Header_Content-Type", "text/own", "Body", "x");
    HAS(run, "text/own");
    LACKS(run, "application/json");
    run_free(run);
}

void test_refusals(void) {
    static const struct {
        const char *key, *value, *pointer;
    } cases[] = {
        {"Method", "TRACE", "/Method"},          {"Method", "CONNECT", "/Method"},
        {"Method", "GET\r\nX: y", "/Method"},    {"ExpectedStatus", "2", "/ExpectedStatus"},
        {"ExpectedStatus", "", "/ExpectedStatus"}, {"MaxRedirects", "11", "/MaxRedirects"},
        {"MaxRedirects", "0", "/MaxRedirects"},  {"MaxResponseBytes", "-1", "/MaxResponseBytes"},
        {"MaxResponseBytes", "1048577", "/MaxResponseBytes"}, {"FollowRedirects", "yes", "/FollowRedirects"},
        {"ConnectTimeoutMs", "0", "/ConnectTimeoutMs"}, {"SaveBody", "file", "/SaveBody"},
        {"Header_X", "a\r\nEvil: 1", "/Header_X"}, {"Header_X", "a\nb", "/Header_X"},
        {"Header_", "a", "/Header_"},            {"Header_A:B", "a", "/Header_A:B"},
        {"Header_A B", "a", "/Header_A B"},      {"Header_Host", "a", "/Header_Host"},
        {"Header_content-length", "5", "/Header_content-length"},
        {"Header_Transfer-Encoding", "chunked", "/Header_Transfer-Encoding"},
        {"Header_Proxy-Authorization", "x", "/Header_Proxy-Authorization"},
        {"Header_Connection", "x", "/Header_Connection"}, {"Header_X", "secret://nothing", "/Header_X"},
    };
    size_t i;
    struct run *run;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        run = GO(plain, url("/echo"), cases[i].key, cases[i].value);
        expect(run, SPINDLE_PERMANENT, "http.parameter", cases[i].key);
        CHECK(run->returned == SPINDLE_E_INVALID, "%d", run->returned);
        CHECK(strcmp(run->pointer, cases[i].pointer) == 0, "%s", run->pointer);
        run_free(run);
    }
    run = GO(plain, url("/echo"), "Method", "GET", "method", "GET");
    expect(run, SPINDLE_PERMANENT, "http.parameter", "twice");
    run_free(run);
    run = GO(plain, url("/echo"), "Header_A", "1", "header_a", "2");
    expect(run, SPINDLE_PERMANENT, "http.parameter", "header twice");
    run_free(run);
    run = GO(plain, url("/echo"), "Method", "GET", "Body", "x");
    expect(run, SPINDLE_PERMANENT, "http.parameter", "GET with body");
    run_free(run);
}
