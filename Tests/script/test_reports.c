/* What programs say through SPINDLE_REPORT_FD. */
#include "host.h"

#include <stdlib.h>

static struct attempt *said(void *plain, const char *lines, const char *then) {
    char script[8192];
    snprintf(script, sizeof script, "cat >&$SPINDLE_REPORT_FD <<'END'\n%s\nEND\necho stdout; %s", lines, then);
    return start(plain, "", "Shell", "bash", "Script", script, NULL);
}

static void good(void *plain) {
    struct attempt *a = said(plain,
                             "{\"progress\": 1, \"total\": 10}\n\n{\"progress\": 3, \"total\": 10, \"note\": \"r\u00f6ws\"}\r\n"
                             "{\"metadata\": {\"rows\": 42, \"share\": 0.5, \"ok\": true, \"name\": \"x\\u0022y\", \"none\": null}}\n"
                             "{\"result\": 1}\n{\"result\": {\"a\": [0.1, 1e300, -7, null, \"\\u00e9\"]}}", "true");
    expect(a, SPINDLE_SUCCESS, "", "reports");
    CHECK(a->progress_count == 2 && a->progress_done == 3 && a->progress_total == 10 && strcmp(a->note, "r\u00f6ws") == 0, "%s", a->note);
    CHECK(strcmp(reported(a, "rows"), "42") == 0 && strcmp(reported(a, "share"), "0.5") == 0 && strcmp(reported(a, "ok"), "true") == 0 &&
          strcmp(reported(a, "name"), "x\"y") == 0 && strcmp(reported(a, "none"), "null") == 0, "%s", reported(a, "share"));
    CHECK(strcmp(a->output, "{\"a\":[0.1,1e300,-7,null,\"\u00e9\"]}") == 0 || strcmp(a->output, "{\"a\":[0.1,1e+300,-7,null,\"\u00e9\"]}") == 0,
          "%s", a->output);
    CHECK(strcmp(a->content_type, "application/json") == 0, "%s", a->content_type);
    CHECK(strcmp(metadata(a, "stdoutBytes"), "7") == 0 && strcmp(metadata(a, "reportErrors"), "") == 0, "stdout goes on");
    attempt_free(a);
    a = said(plain, "{\"result\": \"a;b\\n\", \"contentType\": \"text/csv\"}", "printf '%s' '{\"progress\":7}' >\"$SPINDLE_REPORT\"");
    expect(a, SPINDLE_SUCCESS, "", "text");
    CHECK(strcmp(a->output, "a;b\n") == 0 && strcmp(a->content_type, "text/csv") == 0, "%s", a->output);
    CHECK(a->progress_done == 7 && a->progress_total == -1, "a last line without an end");
    attempt_free(a);
    a = said(plain, "{\"result\": \"text\"}", "true");
    expect(a, SPINDLE_SUCCESS, "", "a JSON string");
    CHECK(strcmp(a->output, "\"text\"") == 0 && strcmp(a->content_type, "application/json") == 0, "%s", a->output);
    attempt_free(a);
    expect_output(said(plain, "{}", "echo '{\"progress\":5}'"), "stdout\n{\"progress\":5}\n", "stdout is no report");
    a = start(plain, "", "Shell", "python3", "Script",
              "import json, os, threading\nwith os.fdopen(int(os.environ['SPINDLE_REPORT_FD']), 'w') as report:\n"
              "  for i in range(20000): print(json.dumps({'progress': i + 1, 'total': 20000}), file=report)\n"
              "  print(json.dumps({'result': 'x' * 1000000}), file=report)", NULL);
    expect(a, SPINDLE_SUCCESS, "", "many");
    CHECK(a->progress_count == 20000 && a->progress_done == 20000 && a->output_len == 1000002, "%zu", a->progress_count);
    attempt_free(a);
}

static void bad(void *plain) {
    static const struct { const char *line, *says; } cases[] = {
        { "progress 3", "a line must be a JSON object: invalid token" }, { "[1]", "JSON object: an array" },
        { "{\"progress\": -1}", "from 0" }, { "{\"progress\": \"3\"}", "whole number" }, { "{\"total\": 3}", "go with it" },
        { "{\"progress\": 1, \"total\": 1.5}", "\"total\"" }, { "{\"progress\": 1, \"note\": 5}", "\"note\"" },
        { "{\"metadata\": []}", "an object, not an array" }, { "{\"metadata\": {\"a\": {}}}", "the metadata \"a\"" },
        { "{\"metadata\": {\"\": 1}}", "1 to 256 bytes" }, { "{\"reslut\": 1}", "there is no \"reslut\"" },
        { "{\"contentType\": \"text/csv\"}", "goes with" }, { "{\"result\": 1, \"contentType\": \"text/csv\"}", "goes with" },
        { "{\"result\": 1, \"result\": 2}", "duplicate" }, { "{\"error\": \"no\"}", "\"message\"" },
        { "{\"error\": {\"message\": \"x\", \"code\": \"A B\"}}", "\"code\"" }, { "{\"error\": {\"message\": \"x\", \"why\": 1}}", "\"error\"" },
        { "{\"progress\": 99999999999999999999}", "too big" }, { "{\"note\": \"\xff\xfe\"}", "unable to decode" },
    };
    struct attempt *a;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        a = said(plain, cases[i].line, "true");
        expect(a, SPINDLE_PERMANENT, "script.report", cases[i].line);
        CHECK(strstr(a->message, "1 of its reports cannot be read") != NULL && strstr(a->message, cases[i].says) != NULL, "%s: %s", cases[i].line, a->message);
        CHECK(strcmp(metadata(a, "reportErrors"), "1") == 0 && strcmp(a->output, "stdout\n") == 0, "%s", a->output);
        CHECK(wait_for_line(a, "report: ") != NULL, "no line of the log");
        attempt_free(a);
    }
    /* A program that fails anyway fails for its own reason. */
    a = said(plain, "nonsense\nmore", "exit 3");
    expect(a, SPINDLE_RETRYABLE, "script.exit.3", "both");
    CHECK(strcmp(metadata(a, "reportErrors"), "2") == 0, "%s", metadata(a, "reportErrors"));
    attempt_free(a);
    a = start(plain, "", "Shell", "bash", "Script", "head -c 5000000 /dev/zero | tr '\\0' x >&$SPINDLE_REPORT_FD; echo >&$SPINDLE_REPORT_FD; "
              "echo '{\"progress\": 5}' >&$SPINDLE_REPORT_FD", NULL);
    expect(a, SPINDLE_PERMANENT, "script.report", "an endless line");
    CHECK(strstr(a->message, "a line is over 2097152 bytes") != NULL && a->progress_done == 5, "%s", a->message);
    attempt_free(a);
    a = start(plain, "", "Shell", "python3", "Script", "import os\nos.write(int(os.environ['SPINDLE_REPORT_FD']), b'{\"result\":\"' + b'x' * 50 + b'\"}\\n')\n"
              "with os.fdopen(int(os.environ['SPINDLE_REPORT_FD']), 'w') as f: f.write('{\"result\": \"' + 'y' * 1048577 + '\"}')", NULL);
    expect(a, SPINDLE_PERMANENT, "script.report", "a result that is too long");
    CHECK(strstr(a->message, "the result has 1048579 bytes") != NULL, "%s", a->message);
    attempt_free(a);
}

static void failures(void *plain) {
    struct attempt *a = said(plain, "{\"error\": {\"message\": \"the quota is used up\", \"code\": \"quota\", \"retryAfterMs\": 5000}}", "exit 3");
    expect(a, SPINDLE_RETRYABLE, "script.reported.quota", "reported");
    CHECK(strcmp(a->message, "the quota is used up") == 0 && a->retry_after_ms == 5000, "%s", a->message);
    CHECK(strstr(a->details, "\"exitCode\":3") != NULL, "%s", a->details);
    attempt_free(a);
    a = said(plain, "{\"error\": {\"message\": \"no such customer\", \"retryable\": false}}", "exit 3");
    expect(a, SPINDLE_PERMANENT, "script.exit.3", "permanent by report");
    CHECK(strcmp(a->message, "no such customer") == 0 && a->retry_after_ms == -1, "%s", a->message);
    attempt_free(a);
    a = said(plain, "{\"error\": {\"message\": \"not so bad\"}}", "true");
    expect(a, SPINDLE_SUCCESS, "", "an error of a program that ends well");
    attempt_free(a);
}

/* Who still holds the pipe does not hold up the attempt, and what it says later counts for nothing. */
static void left_behind(void *plain) {
    struct attempt *a = start(plain, "", "Shell", "bash", "Script",
                              "echo '{\"result\": 1}' >&$SPINDLE_REPORT_FD; sleep 1000 >/dev/null 2>&1 & exit 0", NULL);
    expect(a, SPINDLE_SUCCESS, "", "a child with the pipe");
    CHECK(strcmp(a->output, "1") == 0, "%s", a->output);
    attempt_free(a);
    a = start(plain, "", "Shell", "bash", "Script", "eval \"exec $SPINDLE_REPORT_FD>&-\"; sleep 0.01; echo fine", NULL);
    expect(a, SPINDLE_SUCCESS, "", "closed");
    attempt_free(a);
}

void tests_reports(void) {
    void *plain = host_create("{}");
    good(plain);
    bad(plain);
    failures(plain);
    left_behind(plain);
    host_destroy(plain);
}
