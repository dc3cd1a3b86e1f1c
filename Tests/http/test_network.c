/* Redirects, addresses, connections, proxies, TLS. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_dns.h"
#include "harness.h"

void test_redirects(void) {
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

void test_addresses(void) {
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

/* Whether somebody's first packet to the address waits for an answer. Linux: /proc/net/tcp, state SYN_SENT. */
static bool knocks(const struct sockaddr_in *at) {
    char line[512], wanted[32];
    bool found = false;
    FILE *table = fopen("/proc/net/tcp", "r");
    snprintf(wanted, sizeof wanted, " %08X:%04X 02 ", at->sin_addr.s_addr, ntohs(at->sin_port));
    while (table != NULL && !found && fgets(line, sizeof line, table) != NULL) found = strstr(line, wanted) != NULL;
    if (table != NULL) fclose(table);
    return found;
}

/* An address that is silent at first and refuses when libcurl has nothing else to wait for: the next one is tried at once, not after
 * half the time for connecting. */
void test_late_refusal(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct run *run;
    inet_pton(AF_INET, "127.0.0.8", &at.sin_addr);
    /* One connection fills the queue: the kernel drops the first packet of the next. */
    CHECK(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 0) == 0 &&
              connect(filler, (struct sockaddr *)&at, sizeof at) == 0,
          "no listener at 127.0.0.8:%d", port);
    run = run_new(plain, named("http", "latedead.test", port, "/status/200"));
    run_param(run, "ConnectTimeoutMs", "600000");
    run->request.timeout_ms = 60000;
    run_execute(run);
    while (!knocks(&at)) usleep(1000); /* between two looks at what only the kernel knows; the run has a limit of its own */
    close(listener);
    run_wait(run);
    expect(run, SPINDLE_SUCCESS, "", "late refusal");
    CHECK(strtol(run_metadata(run, "timing.connectMs"), NULL, 10) < 25000, "connected after %s ms, half the time of the attempt",
          run_metadata(run, "timing.connectMs"));
    run_free(run);
    close(filler);
}

static long connections(void) {
    struct run *run = GO(plain, url("/seen"));
    long count = strtol(strstr(run->output, "connections\": ") + 14, NULL, 10);
    run_free(run);
    return count;
}

void test_reuse(void) {
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

void test_proxy(void) {
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

void test_configs(void) {
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

void test_tls(void) {
    spindle_status status;
    char config[512];
    struct run *run, *many[100];
    void *trusting;
    int i;
    CHECK(tls_port != 0, "there is no nginx for TLS and HTTP/2");
    if (tls_port == 0) return;
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
