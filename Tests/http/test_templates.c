/* {NAME} in targets, headers, bodies and forms. */
#include "harness.h"

static void target(const char *path, const char *value, const char *seen) {
    struct run *run = GO(plain, url(path), "Template", "target", "Template_x", value);
    char wanted[300];
    snprintf(wanted, sizeof wanted, "\"path\": \"%s\"", seen);
    CHECK(run->outcome == SPINDLE_SUCCESS && strstr(run->output, wanted) != NULL, "%s with %s: %s %s %s", path, value, run->code,
          run->message, run->output);
    run_free(run);
}

static void body(const char *type, const char *text, const char *value, const char *seen) {
    struct run *run = GO(plain, url("/echo"), "Template", "body", "Template_x", value, "Body", text, "ContentType", type);
    char wanted[300];
    snprintf(wanted, sizeof wanted, "\"body\": \"%s\"", seen);
    CHECK(run->outcome == SPINDLE_SUCCESS && strstr(run->output, wanted) != NULL, "%s with %s: %s %s %s", text, value, run->code,
          run->message, run->output == NULL ? "" : run->output);
    run_free(run);
}

void test_templates(void) {
    struct run *run;
    target("/echo/{x}/end", "7", "/echo/7/end");
    target("/echo/{x}", "a/b?c#d", "/echo/a%2Fb%3Fc%23d");
    target("/echo?q={x}&r=1", "a&b=c d+\xC3\xA9", "/echo?q=a%26b%3Dc%20d%2B%C3%A9&r=1");
    target("/echo?q={x}", "", "/echo?q=");
    target("/echo/{{x}}", "7", "/echo/{x}");
    target("/echo/{x}", "@evil.example", "/echo/%40evil.example");
    target("/echo/{x}", "\r\nHost: evil", "/echo/%0D%0AHost%3A%20evil");
    target("/echo/{x}", "...", "/echo/...");
    target("/echo/%7Bx%7D?a={x}", "%2F", "/echo/%7Bx%7D?a=%252F");
    body("application/json", "{\"a\":\"{x}\",\"b\":{}}", "q\"\\\n\xC3\xA9", "{\\\"a\\\":\\\"q\\\\\\\"\\\\\\\\\\\\u000a\\u00c3\\u00a9\\\",\\\"b\\\":{}}");
    body("application/json", "{\"a\":{x}}", "12345678901234567890123", "{\\\"a\\\":12345678901234567890123}");
    body("application/json", "{\"a\":{x}}", "-1.5e3", "{\\\"a\\\":-1.5e3}");
    body("application/merge-patch+json; charset=utf-8", "[{x}, \"{{x}}\"]", "true", "[true, \\\"{x}\\\"]");
    body("application/json", "{\"a\\\"{x}\":\"\\\\\", \"b\": {x}}", "1", "{\\\"a\\\\\\\"1\\\":\\\"\\\\\\\\\\\", \\\"b\\\": 1}");
    body("application/x-www-form-urlencoded", "a={x}&b=2", "1&b=3 +", "a=1%26b%3D3+%2B&b=2");
    body("text/xml", "<a b='{x}'>{x}</a>", "<&'\">", "<a b='&lt;&amp;&apos;&quot;&gt;'>&lt;&amp;&apos;&quot;&gt;</a>");
    body("text/plain", "hello {x} {not this} { x}", "<you>", "hello <you> {not this} { x}");
    run = GO(plain, url("/echo"), "Template", "headers, body", "Template_x", "1", "Template_secret", "secret://token", "Header_X-One",
             "id={x}", "Header_Authorization", "Bearer secret://token", "Body", "{\"password\":\"{secret}\"}");
    expect(run, SPINDLE_SUCCESS, "", "headers and body");
    HAS(run, "[\"X-One\", \"id=1\"]");
    HAS(run, "[\"Authorization\", \"Bearer s3cret-value\"]");
    HAS(run, "{\\\"password\\\":\\\"s3cret-value\\\"}");
    run_free(run);
    /* Without being asked for, braces are braces. */
    run = GO(plain, url("/echo/{x}"), "Body", "{x}", "ContentType", "text/plain", "Header_X-One", "{x}");
    HAS(run, "\"body\": \"{x}\"");
    HAS(run, "[\"X-One\", \"{x}\"]");
    run_free(run);
    run = run_new(plain, url("/echo"));
    run->request.payload = SPINDLE_STR("{\"n\": {x}}");
    run->request.content_type = SPINDLE_STR("application/json");
    run_param(run, "template", "BODY");
    run_param(run, "template_X", "null");
    sent(run);
    HAS(run, "{\\\"n\\\": null}");
    run_free(run);
}

static void refused(const char *target, const char *const *parameters, const char *code, const char *word) {
    struct run *run = with(plain, target, parameters);
    expect(run, SPINDLE_PERMANENT, code, target);
    CHECK(strstr(run->message, word) != NULL, "no \"%s\" in %s", word, run->message);
    CHECK(run->returned == SPINDLE_E_INVALID, "%d", run->returned);
    run_free(run);
}

#define REFUSED(target, code, word, ...) refused(target, (const char *const[]){__VA_ARGS__, NULL}, code, word)

void test_template_refusals(void) {
    REFUSED("http://{x}/echo", "http.template", "path and the query", "Template", "target", "Template_x", "127.0.0.1");
    REFUSED("http://127.0.0.1:{x}/echo", "http.template", "path and the query", "Template", "target", "Template_x", "80");
    REFUSED("{x}://127.0.0.1/echo", "http.template", "path and the query", "Template", "target", "Template_x", "http");
    REFUSED("http://{x}@127.0.0.1/echo", "http.template", "path and the query", "Template", "target", "Template_x", "me");
    REFUSED("{x}", "http.template", "path and the query", "Template", "target", "Template_x", "http://127.0.0.1/");
    REFUSED(url("/echo/{x}"), "http.template", ". or ..", "Template", "target", "Template_x", "..");
    REFUSED(url("/echo/{x}#f"), "http.template", ". or ..", "Template", "target", "Template_x", "..");
    REFUSED(url("/echo/{x}/y"), "http.template", ". or ..", "Template", "target", "Template_x", ".");
    REFUSED(url("/echo/.{x}"), "http.template", ". or ..", "Template", "target", "Template_x", ".");
    REFUSED(url("/echo/%2e{x}/a"), "http.template", ". or ..", "Template", "target", "Template_x", ".");
    REFUSED(url("/echo/{x}"), "http.template", "is empty", "Template", "target", "Template_x", "");
    REFUSED(url("/echo/{y}"), "http.template", "no parameter", "Template", "target", "Template_x", "1");
    REFUSED(url("/echo/{x}"), "http.template", "secret", "Template", "target", "Template_x", "secret://token");
    REFUSED(url("/echo"), "http.template", "number, true", "Template", "body", "Body", "{\"a\":{x}}", "Template_x", "{\"$ne\":1}");
    REFUSED(url("/echo"), "http.template", "number, true", "Template", "body", "Body", "{\"a\":{x}}", "Template_x", "1,\"b\":2");
    REFUSED(url("/echo"), "http.template", "not JSON", "Template", "body", "Body", "{\"a\":{x}", "Template_x", "1");
    REFUSED(url("/echo"), "http.template", "XML", "Template", "body", "Body", "<{x}/>", "ContentType", "text/xml", "Template_x", "\x01");
    REFUSED(url("/echo"), "http.parameter", "known for bodies", "Template", "body", "Body", "{x}", "ContentType", "image/png",
            "Template_x", "1");
    REFUSED(url("/echo"), "http.parameter", "control", "Template", "headers", "Header_A", "{x}", "Template_x", "a\r\nEvil: 1");
    REFUSED(url("/echo"), "http.template", "not granted", "Template", "body", "Body", "\"{x}\"", "Template_x", "secret://other");
    REFUSED(url("/echo"), "http.parameter", "where they go", "Template_x", "1");
    REFUSED(url("/echo"), "http.parameter", "has to list", "Template", "url", "Template_x", "1");
    REFUSED(url("/echo"), "http.parameter", "no body", "Template", "body", "Template_x", "1");
    REFUSED(url("/echo"), "http.parameter", "no Form_", "Template", "form", "Template_x", "1");
    char many[3 * 1001 + 1];
    for (size_t i = 0; i < 1001; i++) memcpy(many + 3 * i, "{x}", 4);
    REFUSED(url("/echo"), "http.template", "more than 1000", "Template", "body", "Body", many, "ContentType", "text/plain", "Template_x", "");
    /* What is put into a header is never read as a reference itself. */
    struct run *run = GO(plain, url("/echo"), "Template", "headers", "Header_X-A", "{x} {y}", "Template_x", "Bearer", "Template_y",
                         "not-secret://token");
    HAS(run, "[\"X-A\", \"Bearer not-secret://token\"]");
    run_free(run);
}
