/* Drives the built plugin through the ABI against server.py.
 * Usage: harness PLUGIN PORT TLS_PORT(0 = none) CA_FILE [--long] */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "fake_dns.h"
#include "fake_host.h"

static int port, tls_port;
static const char *ca_file;
static const spindle_executor_descriptor *http;
static void *plain; /* an instance with the default configuration */

static void destroy_instance(void *instance) {
    http->destroy(instance);
}

static const char *url(const char *path) {
    static char text[8][1024];
    static int at;
    at = (at + 1) % 8;
    snprintf(text[at], sizeof text[at], "http://127.0.0.1:%d%s", port, path);
    return text[at];
}

static const char *named(const char *scheme, const char *host, int to, const char *path) {
    static char text[8][1024];
    static int at;
    at = (at + 1) % 8;
    snprintf(text[at], sizeof text[at], "%s://%s:%d%s", scheme, host, to, path);
    return text[at];
}

static struct run *with(void *instance, const char *target, const char *const *parameters) {
    struct run *run = run_new(instance, target);
    for (; parameters != NULL && *parameters != NULL; parameters += 2) run_param(run, parameters[0], parameters[1]);
    run_execute(run);
    run_wait(run);
    return run;
}

#define GO(instance, target, ...) with(instance, target, (const char *const[]){__VA_ARGS__ __VA_OPT__(,) NULL})

static void expect(struct run *run, int32_t outcome, const char *code, const char *what) {
    CHECK(run->outcome == outcome && strcmp(run->code, code) == 0, "%s: got %d %s (%s)", what, run->outcome, run->code,
          run->message);
}

static void quick(void *instance, const char *target, int32_t outcome, const char *code) {
    struct run *run = GO(instance, target);
    expect(run, outcome, code, target);
    run_free(run);
}

static void test_basics(void) {
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

static void test_retry_after(void) {
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

static struct run *sent(struct run *run) {
    run_execute(run);
    run_wait(run);
    return run;
}

#define HAS(run, text) CHECK(strstr((run)->output, text) != NULL, "no %s in %s", text, (run)->output)
#define LACKS(run, text) CHECK(strstr((run)->output, text) == NULL, "%s in %s", text, (run)->output)

static void test_requests(void) {
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

static void test_refusals(void) {
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

static void test_bodies(void) {
    struct run *run = GO(plain, url("/gzip"));
    CHECK(run->output_length == 1100 && strncmp(run->output, "hello gzip", 10) == 0, "%zu", run->output_length);
    run_free(run);
    run = GO(plain, url("/deflate"));
    CHECK(run->output_length == 1400, "%zu", run->output_length);
    run_free(run);
    run = GO(plain, url("/gzip"), "Header_Accept-Encoding", "gzip");
    CHECK(run->output_length < 200 && (unsigned char)run->output[0] == 0x1f, "%zu", run->output_length);
    run_free(run);
    run = GO(plain, url("/bomb")); /* the size ends it first, */
    CHECK(run->outcome == SPINDLE_SUCCESS && run->output_length == 1048576, "%s %zu", run->code, run->output_length);
    run_free(run);
    run = GO(plain, url("/bomb"), "SaveBody", "artefact"); /* and without that the ratio does */
    expect(run, SPINDLE_PERMANENT, "http.inflation", "bomb");
    run_free(run);
    quick(plain, url("/smallbomb"), SPINDLE_PERMANENT, "http.inflation");
    quick(plain, url("/badgzip"), SPINDLE_PERMANENT, "http.encoding");
    quick(plain, url("/zstd"), SPINDLE_PERMANENT, "http.encoding");
    run = GO(plain, url("/big/5000000"));
    expect(run, SPINDLE_SUCCESS, "", "big");
    CHECK(run->output_length == 1048576, "%zu", run->output_length);
    CHECK(strcmp(run_metadata(run, "truncated"), "true") == 0, "%s", run_metadata(run, "truncated"));
    run_free(run);
    run = GO(plain, url("/big/5000"), "MaxResponseBytes", "0");
    CHECK(run->outcome == SPINDLE_SUCCESS && run->output_length == 0, "%s %zu", run->code, run->output_length);
    run_free(run);
    run = GO(plain, url("/chunked"), "MaxResponseBytes", "11");
    CHECK(run->output_length == 11 && strcmp(run_metadata(run, "truncated"), "false") == 0, "%zu", run->output_length);
    run_free(run);
}

static void check_artefact(int rejects, const char *limit) {
    struct run *run;
    size_t i, wrong = 0;
    atomic_store(&fake_artefact_rejects, rejects);
    run = GO(plain, url("/big/3000000"), "SaveBody", "artefact", "MaxResponseBytes", limit);
    expect(run, SPINDLE_SUCCESS, "", "artefact");
    CHECK(run->artefact_length == 3000000 / 251 * 251 + 251 && run->artefact_last == 1, "%zu", run->artefact_length);
    for (i = 0; i < run->artefact_length; i++) wrong += (unsigned char)run->artefact[i] != i % 251;
    CHECK(wrong == 0, "%zu wrong bytes", wrong);
    CHECK(run->output_length == (size_t)atoi(limit), "%zu", run->output_length);
    CHECK(strcmp(run_metadata(run, "artefact"), "body") == 0, "%s", run_metadata(run, "artefact"));
    CHECK(atomic_exchange(&fake_artefact_rejects, 0) == 0, "not every rejection was met");
    run_free(run);
}

static void test_artefacts(void) {
    struct run *run;
    spindle_status status;
    void *small = fake_create("{\"maxArtefactBytes\":1048576}", &status);
    check_artefact(0, "1000");
    check_artefact(0, "1048576");
    check_artefact(25, "700000");
    check_artefact(120, "0");
    run = GO(plain, url("/big/1000"), "SaveBody", "artefact");
    CHECK(run->artefact_last == 0 && run->output_length == 1004, "%zu", run->output_length);
    run_free(run);
    run = GO(small, url("/big/3000000"), "SaveBody", "artefact");
    expect(run, SPINDLE_PERMANENT, "http.body.too_large", "too large an artefact");
    CHECK(run->artefact_last == 0, "artefact ended");
    run_free(run);
    destroy_instance(small);
}

static void test_redirects(void) {
    struct run *run = GO(plain, url("/chain/3"), "FollowRedirects", "true");
    expect(run, SPINDLE_SUCCESS, "", "chain");
    CHECK(strcmp(run_metadata(run, "redirects"), "3") == 0, "%s", run_metadata(run, "redirects"));
    CHECK(strstr(run_metadata(run, "url"), "/chain/0") != NULL, "%s", run_metadata(run, "url"));
    run_free(run);
    run = GO(plain, url("/chain/4"), "FollowRedirects", "true");
    expect(run, SPINDLE_PERMANENT, "http.redirect.limit", "chain of 4");
    run_free(run);
    run = GO(plain, url("/chain/10"), "FollowRedirects", "true", "MaxRedirects", "10");
    expect(run, SPINDLE_SUCCESS, "", "chain of 10");
    run_free(run);
    run = GO(plain, url("/loop"), "FollowRedirects", "true");
    expect(run, SPINDLE_PERMANENT, "http.redirect.limit", "loop");
    run_free(run);
    run = GO(plain, url("/nolocation"), "FollowRedirects", "true");
    expect(run, SPINDLE_PERMANENT, "http.status.302", "no location");
    run_free(run);
    static const struct {
        const char *path, *code;
    } bad[] = {
        {"/to/302/http://169.254.169.254/latest/meta-data", "http.address"},
        {"/to/307/http://[::ffff:169.254.169.254]/", "http.address"},
        {"/to/302/http://metadata.test/", "http.address"},
        {"/to/302///metadata.test/", "http.address"},
        {"/to/302/http://2130706433:PORT/echo", "http.redirect"},
        {"/to/302/http://127.1:PORT/echo", "http.redirect"},
        {"/to/302/http://user@127.0.0.1:PORT/echo", "http.redirect"},
        {"/to/302/file:///etc/passwd", "http.redirect"},
        {"/to/302/gopher://127.0.0.1/", "http.redirect"},
        {"/to/302/javascript:alert(1)", "http.redirect"},
        {"/to/302/http:%5C%5C127.0.0.1", "http.redirect"},
    };
    size_t i;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        run = GO(plain, url(bad[i].path), "FollowRedirects", "true");
        expect(run, SPINDLE_PERMANENT, bad[i].code, bad[i].path);
        run_free(run);
    }
    run = GO(plain, url("/to/303//echo"), "FollowRedirects", "true", "Body", "x");
    HAS(run, "\"method\": \"GET\"");
    LACKS(run, "Content-Type");
    run_free(run);
    run = GO(plain, url("/to/301///good.test:PORT/echo"), "FollowRedirects", "true", "Method", "PUT", "Body", "kept",
             "Header_Authorization", "a", "Header_Cookie", "b", "Header_X-Api-Key", "c", "Header_Accept", "d/e",
             "Header_User-Agent", "mine");
    expect(run, SPINDLE_SUCCESS, "", "cross-origin");
    HAS(run, "\"method\": \"PUT\"");
    HAS(run, "\"body\": \"kept\"");
    HAS(run, "[\"Accept\", \"d/e\"]");
    HAS(run, "[\"User-Agent\", \"mine\"]");
    HAS(run, "[\"Host\", \"good.test:");
    LACKS(run, "Authorization");
    LACKS(run, "Cookie");
    LACKS(run, "X-Api-Key");
    run_free(run);
    run = GO(plain, url("/to/307//echo"), "FollowRedirects", "true", "Body", "again", "Header_Authorization", "a");
    HAS(run, "\"method\": \"POST\"");
    HAS(run, "again");
    HAS(run, "Authorization");
    run_free(run);
}

static void test_addresses(void) {
    spindle_status status;
    char config[256];
    void *strict = fake_create("{\"addresses\":\"public\"}", &status), *open;
    struct run *run;
    int before;
    snprintf(config, sizeof config, "{\"addresses\":\"public\",\"allow\":[\"127.0.0.0/8:%d\"]}", port);
    open = fake_create(config, &status);
    quick(plain, named("http", "good.test", port, "/status/200"), SPINDLE_SUCCESS, "");
    quick(plain, named("http", "two.test", port, "/status/200"), SPINDLE_SUCCESS, "");
    quick(plain, named("http", "firstdead.test", port, "/status/200"), SPINDLE_SUCCESS, "");
    quick(strict, named("http", "good.test", port, "/status/200"), SPINDLE_PERMANENT, "http.address");
    quick(strict, url("/status/200"), SPINDLE_PERMANENT, "http.address");
    quick(strict, "http://private.test/", SPINDLE_PERMANENT, "http.address");
    quick(strict, "http://[::1]/", SPINDLE_PERMANENT, "http.address");
    quick(open, url("/status/200"), SPINDLE_SUCCESS, "");
    quick(open, "http://127.0.0.1:1/", SPINDLE_PERMANENT, "http.address");
    quick(plain, "http://metadata.test/", SPINDLE_PERMANENT, "http.address");
    quick(plain, named("http", "mixed.test", port, "/status/200"), SPINDLE_PERMANENT, "http.address");
    quick(plain, "http://mapped.test/", SPINDLE_PERMANENT, "http.address");
    quick(plain, "http://nat64.test/", SPINDLE_PERMANENT, "http.address");
    quick(plain, "http://sixtofour.test/", SPINDLE_PERMANENT, "http.address");
    quick(plain, "http://again.test/", SPINDLE_RETRYABLE, "http.dns");
    quick(plain, "http://nowhere.test/", SPINDLE_RETRYABLE, "http.dns");
    before = atomic_load(&fake_dns_calls);
    quick(plain, named("http", "rebind.test", port, "/status/200"), SPINDLE_SUCCESS, "");
    CHECK(atomic_load(&fake_dns_calls) == before + 1, "looked up %d times", atomic_load(&fake_dns_calls) - before);
    quick(plain, named("http", "rebind.test", port, "/status/200"), SPINDLE_PERMANENT, "http.address");
    run = GO(plain, "http://metadata.test/");
    CHECK(run->metadata_count == 0 && strstr(run->message, "169") == NULL, "%s", run->message);
    run_free(run);
    run = run_new(plain, "http://slow.test/");
    run->request.timeout_ms = 50;
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "slow look-up");
    run_free(run);
    run = run_new(plain, "http://slow.test/");
    run_execute(run);
    fake_dns_await_waiter();
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_wait(run);
    expect(run, SPINDLE_CANCELLED, "http.cancelled", "cancelled look-up");
    run_free(run);
    run = run_new(plain, named("http", "slow.test", port, "/status/200"));
    run_execute(run);
    fake_dns_open_gate();
    run_wait(run);
    expect(run, SPINDLE_SUCCESS, "", "late look-up");
    run_free(run);
    destroy_instance(strict);
    destroy_instance(open);
}

/* Cancels that race with everything. */
static int storm(int count) {
    struct run **many = calloc((size_t)count, sizeof *many);
    int i, cancelled = 0;
    for (i = 0; i < count; i++) {
        const char *path = i % 3 == 0 ? "/status/200" : i % 3 == 1 ? "/hang" : "/big/300000";
        many[i] = run_new(plain, i % 7 == 0 ? named("http", "good.test", port, path) : url(path));
        run_execute(many[i]);
        /* Some at every moment of their life. */
        if (i % 2 == 0) run_cancel(many[i - i % 50], SPINDLE_CANCEL_USER);
    }
    for (i = 0; i < count; i++) {
        if (i % 3 == 1 || i % 5 == 0) run_cancel(many[i], SPINDLE_CANCEL_USER);
        run_wait(many[i]);
        cancelled += many[i]->outcome == SPINDLE_CANCELLED;
        if (i % 3 == 1) CHECK(many[i]->outcome == SPINDLE_CANCELLED, "%s", many[i]->code);
        run_free(many[i]);
    }
    free(many);
    return cancelled;
}

static void test_time_and_cancel(int storms) {
    struct run *run = run_new(plain, url("/hang"));
    int i, cancelled = 0;
    run->request.timeout_ms = 60;
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "hang");
    run_free(run);
    run = run_new(plain, url("/slowbody"));
    run->request.timeout_ms = 60;
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "slow body");
    run_free(run);
    run = run_new(plain, url("/status/200"));
    run->request.timeout_ms = 0;
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "no time left");
    run_free(run);
    /* Cancelled before execute. */
    run = run_new(plain, url("/hang"));
    run->cancel_reason = SPINDLE_CANCEL_USER;
    sent(run);
    expect(run, SPINDLE_CANCELLED, "http.cancelled", "early");
    run_free(run);
    /* While the server holds it: the wait for hangs/N is the event. */
    run = run_new(plain, url("/hang"));
    run_execute(run);
    run_free(GO(plain, url("/hangs/open_hangs/3")));
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_cancel(run, SPINDLE_CANCEL_TIMEOUT);
    run_wait(run);
    expect(run, SPINDLE_CANCELLED, "http.cancelled", "held");
    run_free(run);
    run_free(GO(plain, url("/hangs/closed_hangs/3")));
    for (i = 0; i < storms; i++) cancelled += storm(1500);
    printf("cancels: %d of %d requests\n", cancelled, storms * 1500);
    quick(plain, url("/status/200"), SPINDLE_SUCCESS, "");
}

static void test_concurrency(int count) {
    struct run **many = calloc((size_t)count, sizeof *many), *probe, *seen;
    char path[64];
    long before;
    spindle_status status;
    void *narrow, *instance = fake_create("{\"maxConnections\":2048}", &status);
    int i, wrong = 0;
    seen = GO(plain, url("/seen"));
    before = strtol(strstr(seen->output, "open_hangs\": ") + 13, NULL, 10);
    run_free(seen);
    for (i = 0; i < count; i++) {
        many[i] = run_new(instance, url("/hang"));
        run_execute(many[i]);
    }
    /* Answers only when all of them are open at the server at the same time. */
    snprintf(path, sizeof path, "/hangs/open_hangs/%ld", before + count);
    probe = GO(instance, url(path));
    expect(probe, SPINDLE_SUCCESS, "", "all open at once");
    run_free(probe);
    for (i = 0; i < count; i++) run_cancel(many[i], SPINDLE_CANCEL_SHUTDOWN);
    for (i = 0; i < count; i++) {
        run_wait(many[i]);
        wrong += many[i]->outcome != SPINDLE_CANCELLED;
        run_free(many[i]);
    }
    CHECK(wrong == 0, "%d were not cancelled", wrong);
    printf("concurrent: %d requests open at once in one instance\n", count);
    destroy_instance(instance);
    /* With two places the others wait for their turn, and may be cancelled while they do. */
    narrow = fake_create("{\"maxConnections\":2}", &status);
    for (i = 0; i < 20; i++) {
        many[i] = run_new(narrow, url(i < 2 ? "/hang" : "/status/200"));
        run_execute(many[i]);
    }
    run_cancel(many[19], SPINDLE_CANCEL_USER);
    run_wait(many[19]);
    CHECK(many[19]->outcome == SPINDLE_CANCELLED, "%s", many[19]->code);
    run_cancel(many[0], SPINDLE_CANCEL_USER);
    for (i = 2; i < 19; i++) {
        run_wait(many[i]);
        expect(many[i], SPINDLE_SUCCESS, "", "its turn");
    }
    run_cancel(many[1], SPINDLE_CANCEL_USER);
    for (i = 0; i < 20; i++) {
        run_wait(many[i]);
        run_free(many[i]);
    }
    free(many);
    destroy_instance(narrow);
}

static long connections(void) {
    struct run *run = GO(plain, url("/seen"));
    long count = strtol(strstr(run->output, "connections\": ") + 14, NULL, 10);
    run_free(run);
    return count;
}

static void test_reuse(void) {
    long before = connections();
    int i;
    for (i = 0; i < 50; i++) quick(plain, url("/status/200"), SPINDLE_SUCCESS, "");
    CHECK(connections() <= before + 1, "%ld new connections", connections() - before);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    quick(plain, url("/status/200"), SPINDLE_SUCCESS, "");
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void test_proxy(void) {
    spindle_status status;
    char config[128];
    struct run *run;
    void *proxied;
    /* server.py takes the absolute form too: its route then is the URL's scheme, which it does not know. */
    snprintf(config, sizeof config, "{\"proxy\":\"http://good.test:%d\"}", port);
    proxied = fake_create(config, &status);
    run = GO(proxied, "http://unknown.example/");
    expect(run, SPINDLE_PERMANENT, "http.status.404", "through the proxy");
    run_free(run);
    quick(proxied, "http://169.254.169.254/", SPINDLE_PERMANENT, "http.address");
    destroy_instance(proxied);
}

static void test_configs(void) {
    static const char *const bad[][2] = {
        {"[]", ""}, {"{", ""}, {"{\"adresses\":\"public\"}", ""}, {"{\"addresses\":\"all\"}", "/addresses"},
        {"{\"allow\":[\"10.0.0.0/8\",\"10.0.0.1/8\"]}", "/allow/1"}, {"{\"allow\":[1]}", "/allow/0"},
        {"{\"allow\":\"10.0.0.0/8\"}", "/allow"}, {"{\"proxy\":\"socks5://x\"}", "/proxy"},
        {"{\"maxConnections\":0}", "/maxConnections"}, {"{\"maxConnections\":1.5}", "/maxConnections"},
        {"{\"userAgent\":\"a\\r\\nb\"}", "/userAgent"}, {"{\"tls\":{\"verify\":false}}", "/tls"},
        {"{\"tls\":{\"caFile\":\"/nonexistent\"}}", "/tls/caFile"}, {"{\"tls\":{\"caFile\":\"x.pem\"}}", "/tls/caFile"},
        {"{\"userAgent\":\"a\",\"userAgent\":\"b\"}", ""},
    };
    spindle_status status;
    size_t i;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(fake_create(bad[i][0], &status) == NULL && status == SPINDLE_E_CONFIG, "%s", bad[i][0]);
        CHECK(strcmp(fake_last_pointer, bad[i][1]) == 0, "%s: %s", bad[i][0], fake_last_pointer);
        if (i == 2) CHECK(strstr(fake_last_error, "did you mean \"addresses\"") != NULL, "%s", fake_last_error);
    }
}

static void test_tls(void) {
    spindle_status status;
    char config[512];
    struct run *run, *many[100];
    void *trusting;
    int i;
    if (tls_port == 0) {
        printf("TLS and HTTP/2: left out, no nginx\n");
        return;
    }
    snprintf(config, sizeof config, "{\"tls\":{\"caFile\":\"%s\"}}", ca_file);
    trusting = fake_create(config, &status);
    CHECK(status == SPINDLE_OK, "%s", fake_last_error);
    run = GO(trusting, named("https", "good.test", tls_port, "/hello"));
    expect(run, SPINDLE_SUCCESS, "", "TLS");
    CHECK(strcmp(run_metadata(run, "httpVersion"), "2") == 0, "%s", run_metadata(run, "httpVersion"));
    CHECK(strcmp(run->output, "good.test") == 0, "%s", run->output);
    run_free(run);
    quick(plain, named("https", "good.test", tls_port, "/hello"), SPINDLE_PERMANENT, "http.tls.certificate");
    quick(trusting, named("https", "other.test", tls_port, "/hello"), SPINDLE_PERMANENT, "http.tls.certificate");
    quick(trusting, named("https", "good.test", port, "/hello"), SPINDLE_RETRYABLE, "http.tls");
    run = GO(trusting, named("https", "good.test", tls_port, "/down"), "FollowRedirects", "true");
    expect(run, SPINDLE_PERMANENT, "http.redirect.downgrade", "https to http");
    run_free(run);
    for (i = 0; i < 100; i++) {
        many[i] = run_new(trusting, named("https", "good.test", tls_port, "/hello"));
        run_execute(many[i]);
        if (i % 4 == 3) run_cancel(many[i - 1], SPINDLE_CANCEL_USER);
    }
    for (i = 0; i < 100; i++) {
        run_wait(many[i]);
        CHECK(many[i]->outcome == SPINDLE_SUCCESS || (i % 4 == 2 && many[i]->outcome == SPINDLE_CANCELLED), "%s %s",
              many[i]->code, many[i]->details);
        run_free(many[i]);
    }
    destroy_instance(trusting);
}

int main(int argc, char **argv) {
    const spindle_executor_factory *(*entry)(void);
    const spindle_executor_factory *factory;
    spindle_status status;
    int is_long = argc > 5 && strcmp(argv[5], "--long") == 0;
    void *library = argc > 4 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (library == NULL) {
        printf("cannot load: %s\n", argc > 4 ? dlerror() : "usage");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    port = atoi(argv[2]);
    tls_port = atoi(argv[3]);
    ca_file = argv[4];
    *(void **)&entry = dlsym(library, "spindle_executor_factory_v1");
    factory = entry();
    http = factory->executors[0];
    CHECK(factory->init(&fake_host, NULL) == SPINDLE_OK, "init");
    fake_host_start(http);
    plain = fake_create("{}", &status);
    CHECK(plain != NULL, "create");
    test_basics();
    test_retry_after();
    test_requests();
    test_refusals();
    test_bodies();
    test_artefacts();
    test_redirects();
    test_addresses();
    test_reuse();
    test_time_and_cancel(is_long ? 14 : 1);
    test_concurrency(500);
    test_proxy();
    test_configs();
    test_tls();
    destroy_instance(plain);
    fake_host_stop();
    factory->shutdown();
    CHECK(atomic_load(&fake_breaches) == 0, "%d breaches of contract", atomic_load(&fake_breaches));
    return REPORT();
}
