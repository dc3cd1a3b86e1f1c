/* Forms, files, and what is asserted of responses. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

static char directory[1100];

static void write_file(const char *name, const char *text, size_t size) {
    char path[1300];
    int fd;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && (size == 0 || ftruncate(fd, (off_t)size) == 0), "%s",
          path);
    if (fd >= 0) close(fd);
}

static void make_files(void) {
    char path[1300];
    snprintf(directory, sizeof directory, "%s/uploads-%d", scratch, (int)getpid());
    CHECK(mkdir(directory, 0700) == 0, "%s", directory);
    snprintf(path, sizeof path, "%s/deep", directory);
    CHECK(mkdir(path, 0700) == 0, "%s", path);
    write_file("report.csv", "a,b\n1,2\n", 0);
    write_file("deep/x.bin", "deep", 0);
    write_file("long.bin", "", 300000);
    snprintf(path, sizeof path, "%s/link", directory);
    CHECK(symlink("/etc/passwd", path) == 0, "%s", path);
    snprintf(path, sizeof path, "%s/out", directory);
    CHECK(symlink("/etc", path) == 0, "%s", path);
    snprintf(path, sizeof path, "%s/fifo", directory);
    CHECK(mkfifo(path, 0600) == 0, "%s", path);
}

void test_forms(void) {
    struct run *run = GO(plain, url("/echo"), "Form_name", "A & B", "Form_token", "secret://token", "Form_x.y-z", "\xC3\xA9=1");
    void *instance;
    expect(run, SPINDLE_SUCCESS, "", "form");
    HAS(run, "\"method\": \"POST\"");
    HAS(run, "[\"Content-Type\", \"application/x-www-form-urlencoded\"]");
    HAS(run, "\"body\": \"name=A+%26+B&token=s3cret-value&x.y-z=%C3%A9%3D1\"");
    run_free(run);
    run = GO(plain, url("/echo"), "Method", "PUT", "Template", "form", "Template_x", "&", "Form_a", "1{x}2");
    HAS(run, "\"body\": \"a=1%262\"");
    HAS(run, "\"method\": \"PUT\"");
    run_free(run);
    make_files();
    instance = create("{\"uploads\":{\"directory\":\"%s\",\"maxBytes\":300000}}", directory);
    run = GO(instance, url("/echo"), "Form_title", "one \"two\"\r\nthree", "File_report", "report.csv", "FileType_report", "text/csv",
             "File_deep", "deep/x.bin", "FileName_deep", "a\"b.bin");
    expect(run, SPINDLE_SUCCESS, "", "multipart");
    HAS(run, "multipart/form-data; boundary=");
    HAS(run, "name=\\\"title\\\"\\r\\n\\r\\none \\\"two\\\"\\r\\nthree\\r\\n--");
    HAS(run, "name=\\\"report\\\"; filename=\\\"report.csv\\\"\\r\\nContent-Type: text/csv\\r\\n\\r\\na,b\\n1,2\\n\\r\\n--");
    HAS(run, "name=\\\"deep\\\"; filename=\\\"a%22b.bin\\\"\\r\\nContent-Type: application/octet-stream\\r\\n\\r\\ndeep\\r\\n--");
    LACKS(run, "Expect");
    run_free(run);
    /* Longer than any buffer on the way, and sent twice: the redirect repeats it. */
    run = GO(instance, url("/to/307//length"), "FollowRedirects", "true", "File_f", "long.bin");
    expect(run, SPINDLE_SUCCESS, "", "long file");
    CHECK(atoi(run->output) > 300000 && atoi(run->output) < 300500, "%s", run->output);
    run_free(run);
    run = run_new(plain, url("/echo"));
    run->request.payload = SPINDLE_STR("raw\0bytes");
    run->request.content_type = SPINDLE_STR("application/x-raw");
    run_param(run, "File_data", "payload");
    run_param(run, "FileName_data", "d.raw");
    sent(run);
    HAS(run, "name=\\\"data\\\"; filename=\\\"d.raw\\\"\\r\\nContent-Type: application/x-raw\\r\\n\\r\\nraw\\u0000bytes\\r\\n--");
    run_free(run);
    /* A form with a secret in it stays with the one it was meant for. */
    run = GO(plain, url("/to/307///good.test:PORT/echo"), "FollowRedirects", "true", "Form_a", "secret://token");
    expect(run, SPINDLE_PERMANENT, "http.redirect", "secret form elsewhere");
    run_free(run);
    run = GO(plain, url("/to/307///good.test:PORT/echo"), "FollowRedirects", "true", "Form_a", "{s}", "Template", "form", "Template_s",
             "secret://token");
    expect(run, SPINDLE_PERMANENT, "http.redirect", "secret put into a form, elsewhere");
    run_free(run);
    run = GO(plain, url("/to/307///good.test:PORT/echo"), "FollowRedirects", "true", "Body", "\"{s}\"", "Template", "body", "Template_s",
             "secret://token");
    expect(run, SPINDLE_PERMANENT, "http.redirect", "secret put into a body, elsewhere");
    run_free(run);
    destroy_instance(instance);
}

void test_form_refusals(void) {
    void *instance = create("{\"uploads\":{\"directory\":\"%s\",\"maxBytes\":1000}}", directory);
    static const char *const paths[] = {"../x", "/etc/passwd", "deep/../../x", "", "deep//x.bin", "./report.csv", "nothing",
                                        "link", "out/passwd", "fifo", "deep", "report.csv/x", "long.bin"};
    static const char *const wrong[][4] = {
        {"Form_a", "1", "Body", "x"},          {"Form_a", "1", "ContentType", "a/b"},  {"Form_a", "1", "Header_Content-Type", "a/b"},
        {"Form_a", "1", "Method", "GET"},      {"Form_a", "1", "form_A", "2"},         {"Form_a", "secret://other", "Form_b", "1"},
        {"FileName_a", "x", "Form_b", "1"},    {"File_a", "report.csv", "FileName_a", "a\r\nb"},
    };
    size_t i;
    struct run *run;
    for (i = 0; i < sizeof paths / sizeof *paths; i++) {
        run = GO(instance, url("/echo"), "File_f", paths[i]);
        expect(run, SPINDLE_PERMANENT, "http.file", paths[i]);
        CHECK(strcmp(run->pointer, "/File_f") == 0, "%s", run->pointer);
        run_free(run);
    }
    run = GO(plain, url("/echo"), "File_f", "report.csv");
    expect(run, SPINDLE_PERMANENT, "http.file", "no directory");
    CHECK(strstr(run->message, "uploads.directory") != NULL, "%s", run->message);
    run_free(run);
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        run = GO(instance, url("/echo"), wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3]);
        expect(run, SPINDLE_PERMANENT, "http.parameter", wrong[i][2]);
        run_free(run);
    }
    destroy_instance(instance);
}

static void asserted(const char *path, const char *name, const char *value, const char *message) {
    struct run *run = GO(plain, url(path), name, value);
    if (message == NULL) expect(run, SPINDLE_SUCCESS, "", value);
    else expect(run, SPINDLE_PERMANENT, "http.assert", value);
    CHECK(message == NULL || strstr(run->message, message) != NULL, "%s", run->message);
    run_free(run);
}

void test_assertions(void) {
    /* {"a":[1,{"b/c":"d"}],"n":null,"big":12345678901234567890123,"t":true} */
    static const char document[] = "/json/%7B%22a%22%3A%5B1%2C%7B%22b%2Fc%22%3A%22d%22%7D%5D"
                                   "%2C%22n%22%3Anull%2C%22big%22%3A12345678901234567890123%2C%22t%22%3Atrue%7D";
    struct run *run;
    asserted(document, "Assert_Json", "{\"/a/0\":1,\"/a/1/b~1c\":\"d\",\"/n\":null,\"/t\":true,\"/a/1\":{\"b/c\":\"d\"}}", NULL);
    asserted(document, "Assert_Json", "{\"/a/0\":1.0}", NULL);
    asserted(document, "Assert_Json", "{\"/a/0\":\"1\"}", "Assert_Json /a/0 expected \"1\", got 1");
    asserted(document, "Assert_Json", "{\"/a/2\":1}", "Assert_Json /a/2 expected 1, got nothing");
    asserted(document, "Assert_Json", "{\"/a/00\":1}", "got nothing");
    asserted(document, "Assert_Json", "{\"/n\":false}", "expected false, got null");
    asserted("/status/200", "Assert_Json", "{\"/a\":1}", "got a body that is not");
    asserted("/json/7", "Assert_Json", "{\"\":7}", NULL);
    asserted("/json/7", "Assert_Header_x-kind", "a b", NULL);
    asserted("/json/7", "Assert_Header_X-Kind", "a", "Assert_Header_X-Kind expected \"a\", got \"a b\"");
    asserted("/json/7", "Assert_Header_X-None", "a", "got no such header");
    asserted("/status/404", "Assert_Status", "404,410", NULL);
    asserted("/status/403", "Assert_Status", "404,410", "Assert_Status expected 404,410, got 403");
    run = GO(plain, url("/status/503"), "Assert_Status", "200");
    expect(run, SPINDLE_RETRYABLE, "http.status.503", "still retried");
    run_free(run);
    run = GO(plain, url("/chain/2"), "Assert_Status", "200", "FollowRedirects", "true");
    expect(run, SPINDLE_SUCCESS, "", "redirects and an asserted status");
    run_free(run);
    run = GO(plain, url("/json/7"), "Assert_Json", "{\"\":8}", "AssertFailure", "retryable");
    expect(run, SPINDLE_RETRYABLE, "http.assert", "retryable");
    CHECK(strcmp(run->output, "7") == 0 && strstr(run->details, "\"status\":200") != NULL, "%s %s", run->output, run->details);
    run_free(run);
    run = GO(plain, url("/json/12345678"), "Assert_Json", "{\"\":8}", "MaxResponseBytes", "4");
    CHECK(strstr(run->message, "over MaxResponseBytes") != NULL, "%s", run->message);
    run_free(run);
    static const char *const bad[][2] = {{"Assert_Json", "[]"},   {"Assert_Json", "{"},      {"Assert_Json", "{\"a\":1}"},
                                         {"Assert_Json", "{\"/~2\":1}"}, {"Assert_Status", "x"}, {"AssertFailure", "maybe"},
                                         {"RetryStatus", "never"}, {"Auth", "basic"}};
    size_t i;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        run = GO(plain, url("/echo"), bad[i][0], bad[i][1]);
        expect(run, SPINDLE_PERMANENT, "http.parameter", bad[i][1]);
        run_free(run);
    }
    run = GO(plain, url("/echo"), "Assert_Jsn", "{}");
    expect(run, SPINDLE_PERMANENT, "http.parameter", "a slip");
    CHECK(strstr(run->message, "did you mean \"Assert_Json\"?") != NULL, "%s", run->message);
    run_free(run);
    run = GO(plain, url("/echo"), "PollInterval", "1");
    expect(run, SPINDLE_PERMANENT, "http.parameter", "another slip");
    run_free(run);
    run = GO(plain, url("/status/503"), "RetryStatus", "none");
    expect(run, SPINDLE_PERMANENT, "http.status.503", "not retried");
    run_free(run);
    run = GO(plain, url("/status/404"), "RetryStatus", "404, 5xx");
    expect(run, SPINDLE_RETRYABLE, "http.status.404", "retried");
    run_free(run);
}
