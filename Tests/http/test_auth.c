/* Credentials of the configuration. */
#include <stdlib.h>

#include "harness.h"

void test_fixed_credentials(void) {
    void *bearer = create("{\"hosts\":[{\"origin\":\"http://127.0.0.1:%d\",\"bearer\":\"secret://token\"}]}", port);
    void *basic;
    struct run *run = GO(bearer, url("/echo"));
    HAS(run, "[\"Authorization\", \"Bearer s3cret-value\"]");
    run_free(run);
    run = GO(bearer, url("/echo"), "Auth", "none");
    LACKS(run, "Authorization");
    run_free(run);
    run = GO(bearer, url("/echo"), "Header_authorization", "Own value");
    HAS(run, "[\"authorization\", \"Own value\"]");
    LACKS(run, "s3cret");
    run_free(run);
    /* Another name is another origin, whatever it leads to. */
    run = GO(bearer, named("http", "good.test", port, "/echo"));
    LACKS(run, "Authorization");
    run_free(run);
    /* Neither taken along to another server, nor given to one that sends the job here. */
    run = GO(bearer, url("/to/307///good.test:PORT/echo"), "FollowRedirects", "true");
    expect(run, SPINDLE_SUCCESS, "", "away");
    LACKS(run, "Authorization");
    run_free(run);
    run = run_new(bearer, named("http", "good.test", port, "/to/307/http%3A%2F%2F127.0.0.1:PORT/echo"));
    run_param(run, "FollowRedirects", "true");
    sent(run);
    expect(run, SPINDLE_SUCCESS, "", "back");
    LACKS(run, "Authorization");
    run_free(run);
    run = GO(bearer, url("/to/307//echo"), "FollowRedirects", "true");
    HAS(run, "[\"Authorization\", \"Bearer s3cret-value\"]");
    run_free(run);
    destroy_instance(bearer);
    basic = create("{\"hosts\":[{\"origin\":\"http://127.0.0.1:%d\",\"basic\":{\"user\":\"j\xC3\xB6\",\"password\":\"secret://token\"}}]}",
                   port);
    run = GO(basic, url("/echo"));
    HAS(run, "[\"Authorization\", \"Basic asO2OnMzY3JldC12YWx1ZQ==\"]");
    run_free(run);
    destroy_instance(basic);
}

static void *oauth(const char *how, const char *more) {
    return create("{\"hosts\":[{\"origin\":\"http://127.0.0.1:%d\",\"oauth2\":{\"tokenUrl\":\"http://good.test:%d/token/%s\","
                  "\"clientId\":\"me:&\",\"clientSecret\":\"secret://client\",\"scope\":\"a b\"%s}}]}",
                  port, port, how, more);
}

/* How many tokens were asked for until now. */
static int asked(void) {
    struct run *run = GO(plain, url("/tokens"));
    const char *at = run->output;
    int count = 0;
    while ((at = strstr(at, "\"authorization\"")) != NULL) {
        count++;
        at++;
    }
    run_free(run);
    return count;
}

static void expect_token(void *instance, int32_t outcome, const char *code, const char *what) {
    struct run *run = GO(instance, url("/secure"));
    expect(run, outcome, code, what);
    run_free(run);
}

void test_tokens(void) {
    enum { MANY = 40 };
    struct run *run, *many[MANY];
    void *instance;
    int before, i;
    fake_secret("client", "s3:cr&t\n");
    before = asked();
    instance = oauth("3600", "");
    expect_token(instance, SPINDLE_SUCCESS, "", "first");
    expect_token(instance, SPINDLE_SUCCESS, "", "second");
    CHECK(asked() == before + 1, "%d", asked() - before);
    run = GO(plain, url("/tokens"));
    HAS(run, "Basic bWUlM0ElMjY6czMlM0FjciUyNnQ="); /* me%3A%26:s3%3Acr%26t */
    HAS(run, "grant_type=client_credentials&scope=a+b\"");
    HAS(run, "application/x-www-form-urlencoded");
    run_free(run);
    /* Taken back before its time: one new token, and the request with its body again. */
    run_free(GO(plain, url("/revoke")));
    run = GO(instance, url("/secure"), "Body", "once more");
    expect(run, SPINDLE_SUCCESS, "", "revoked");
    CHECK(asked() == before + 2, "%d", asked() - before);
    run_free(run);
    /* A page that refuses every token: one new one, not more. */
    expect_token(instance, SPINDLE_SUCCESS, "", "good again");
    run = GO(instance, url("/status/401"));
    expect(run, SPINDLE_PERMANENT, "http.status.401", "401 for ever");
    CHECK(asked() == before + 3, "%d", asked() - before);
    run_free(run);
    destroy_instance(instance);
    /* Many at once share one. */
    before = asked();
    instance = oauth("gate", ",\"clientAuth\":\"body\",\"audience\":\"x\"");
    for (i = 0; i < MANY; i++) {
        many[i] = run_new(instance, url("/secure"));
        run_execute(many[i]);
    }
    run_cancel(many[MANY - 1], SPINDLE_CANCEL_USER);
    for (i = 0; i < MANY; i++) {
        run_wait(many[i]);
        CHECK(many[i]->outcome == SPINDLE_SUCCESS || (i == MANY - 1 && many[i]->outcome == SPINDLE_CANCELLED), "%d: %s", i, many[i]->code);
        run_free(many[i]);
    }
    CHECK(asked() == before + 1, "%d", asked() - before);
    run = GO(plain, url("/tokens"));
    HAS(run, "scope=a+b&audience=x&client_id=me%3A%26&client_secret=s3%3Acr%26t");
    run_free(run);
    destroy_instance(instance);
    /* One that is over when it comes serves those that waited for it, and nobody else. */
    before = asked();
    instance = oauth("0", "");
    expect_token(instance, SPINDLE_SUCCESS, "", "short");
    expect_token(instance, SPINDLE_SUCCESS, "", "short again");
    CHECK(asked() == before + 2, "%d", asked() - before);
    destroy_instance(instance);
}

void test_token_failures(void) {
    static const struct {
        const char *how;
        int32_t outcome;
        const char *code, *reason;
    } cases[] = {{"refused", SPINDLE_PERMANENT, "http.auth.refused", "it answered 401, invalid_client"},
                 {"busy", SPINDLE_RETRYABLE, "http.auth.unavailable", "it answered 503"},
                 {"garbage", SPINDLE_RETRYABLE, "http.auth.unavailable", "no access_token"},
                 {"mac", SPINDLE_RETRYABLE, "http.auth.unavailable", "no access_token"},
                 {"split", SPINDLE_RETRYABLE, "http.auth.unavailable", "no access_token"}};
    struct run *run;
    void *instance;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        instance = oauth(cases[i].how, "");
        run = GO(instance, url("/secure"));
        expect(run, cases[i].outcome, cases[i].code, cases[i].how);
        CHECK(strstr(run->details, cases[i].reason) != NULL, "%s", run->details);
        CHECK(strstr(run->details, "cr&t") == NULL && strstr(run->details, "nobody") == NULL, "%s", run->details);
        run_free(run);
        destroy_instance(instance);
    }
    instance = create("{\"hosts\":[{\"origin\":\"http://127.0.0.1:%d\",\"oauth2\":{\"tokenUrl\":\"http://nowhere.test/\","
                      "\"clientId\":\"a\",\"clientSecret\":\"secret://client\"}}]}", port);
    expect_token(instance, SPINDLE_RETRYABLE, "http.auth.unavailable", "no name");
    destroy_instance(instance);
    instance = create("{\"hosts\":[{\"origin\":\"http://127.0.0.1:%d\",\"oauth2\":{\"tokenUrl\":\"http://127.0.0.1:1/\","
                      "\"clientId\":\"a\",\"clientSecret\":\"secret://client\"}}]}", port);
    expect_token(instance, SPINDLE_RETRYABLE, "http.auth.unavailable", "no server");
    destroy_instance(instance);
    /* It hangs: the attempt's own time ends the wait, and a cancel does. Then the instance goes, in the middle of the fetch. */
    instance = oauth("hang", "");
    run = run_new(instance, url("/secure"));
    run->request.timeout_ms = 60;
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "no token in time");
    run_free(run);
    run = run_new(instance, url("/secure"));
    run_execute(run);
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_wait(run);
    expect(run, SPINDLE_CANCELLED, "http.cancelled", "no token");
    run_free(run);
    destroy_instance(instance);
}

static char *file_text(const char *name) {
    char path[1200];
    static char text[8192];
    FILE *file;
    size_t length = 0;
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    file = fopen(path, "re");
    if (file != NULL) {
        length = fread(text, 1, sizeof text - 1, file);
        fclose(file);
    }
    text[length] = '\0';
    return text;
}

#define CERTIFICATE "{\"tls\":{\"caFile\":\"%s\"},\"hosts\":[{\"origin\":\"https://good.test:%d\",\"clientCertificate\":" \
                    "{\"certificate\":\"%s/client.pem\",\"key\":\"%s\"}}]}"

void test_client_certificates(void) {
    char key[1200];
    struct run *run;
    void *instance;
    CHECK(mtls_port != 0, "there is no nginx to show a certificate to");
    if (mtls_port == 0) return;
    snprintf(key, sizeof key, "%s/client.key", scratch);
    instance = create(CERTIFICATE, ca_file, mtls_port, scratch, key);
    run = GO(instance, named("https", "good.test", mtls_port, "/"));
    expect(run, SPINDLE_SUCCESS, "", "key in a file");
    CHECK(strcmp(run->output, "CN=spindle") == 0, "%s", run->output);
    run_free(run);
    destroy_instance(instance);
    fake_secret("key", file_text("client.key"));
    instance = create(CERTIFICATE, ca_file, mtls_port, scratch, "secret://key");
    run = GO(instance, named("https", "good.test", mtls_port, "/"));
    expect(run, SPINDLE_SUCCESS, "", "key in a secret");
    CHECK(strcmp(run->output, "CN=spindle") == 0, "%s", run->output);
    run_free(run);
    destroy_instance(instance);
    fake_secret("key", "this is no key\n");
    instance = create(CERTIFICATE, ca_file, mtls_port, scratch, "secret://key");
    run = GO(instance, named("https", "good.test", mtls_port, "/"));
    expect(run, SPINDLE_PERMANENT, "http.tls.certificate", "a key that is none");
    run_free(run);
    destroy_instance(instance);
    instance = create("{\"tls\":{\"caFile\":\"%s\"}}", ca_file);
    run = GO(instance, named("https", "good.test", mtls_port, "/"));
    expect(run, SPINDLE_PERMANENT, "http.status.400", "no certificate");
    run_free(run);
    destroy_instance(instance);
}
