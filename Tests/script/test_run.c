/* Programs that run to their end: arguments, environment, input, output, exit codes. */
#include "host.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void arguments(void *plain) {
    const char *odd = "[\"a b\",\"\",\"it's\",\"\\\"$HOME\\\"\",\"`id`\",\"$(id)\",\"line\\nline\",\"\\u00e9\\ud83d\\ude00\",\"-n\","
                      "\"*\",\";reboot\"]";
    expect_output(start(plain, "/usr/bin/printf", "args", "[\"%s|\",\"x\"]", NULL), "x|", "absolute path");
    expect_output(start(plain, "printf", "args", "[\"%s|\",\"x\"]", NULL), "x|", "bare name");
    expect_output(start(plain, "script:printf", "Args", "[\"%s|\",\"x\"]", NULL), "x|", "prefix");
    expect_output(start(plain, "printf", "Arg1", "a b", "Arg0", "%s|", "Arg2", "$HOME", NULL), "a b|$HOME|", "Arg0, Arg1");
    expect_output(start(plain, "", "Shell", "bash", "Script", "printf '<%s>' \"$@\"", "args", odd, NULL),
                  "<a b><><it's><\"$HOME\"><`id`><$(id)><line\nline><\xC3\xA9\xF0\x9F\x98\x80><-n><*><;reboot>", "odd");
}

static void shells(void *plain) {
    expect_output(start(plain, "script:", "Shell", "sh", "Script", "echo $1 \"${0##*/}\"", "Arg0", "x", NULL), "x .script.sh\n", "sh");
    expect_output(start(plain, "", "shell", "python3", "script", "import sys; print(sys.argv[1:])", "args",
                        "[\"-x\",\"a b\"]", NULL), "['-x', 'a b']\n", "python3");
    expect_output(start(plain, "", "Shell", "perl", "Script", "print \"@ARGV\"", "args", "[\"-x\"]", NULL), "-x", "perl");
    expect_output(start(plain, "", "Shell", "bash", "ScriptFrom", "payload", "<", "echo from payload; cat", NULL),
                  "from payload\n", "payload as script");
    struct attempt *a = start(plain, "", "Shell", "bash", "Script", "false | true; echo no", NULL);
    expect(a, SPINDLE_RETRYABLE, "script.exit.1", "pipefail");
    attempt_free(a);
    a = start(plain, "", "Shell", "bash", "Script", "echo $undefined", NULL);
    expect(a, SPINDLE_RETRYABLE, "script.exit.1", "-u");
    CHECK(strstr(a->message, "unbound variable") != NULL, "%s", a->message);
    attempt_free(a);
}

static void environment(void) {
    char golden[2048], home[512] = "", *at;
    void *instance = host_create("{\"env\":{\"EXTRA\":\"1 2\",\"LANG\":\"C\"},\"path\":\"/usr/bin:/bin\"}");
    struct attempt *a = start(instance, "sh", "args",
                              "[\"-c\",\"env | sed 's|^\\\\(SPINDLE_REPORT.*[/=]\\\\)[0-9]*$|\\\\1N|' | sort\"]", "region", "eu", "a.b-c", "x=y z", NULL);
    setenv("LEAK", "1", 1);
    expect(a, SPINDLE_SUCCESS, "", "environment");
    at = strstr(a->output, "HOME=");
    if (at != NULL) sscanf(at, "HOME=%511[^\n]", home);
    CHECK(strncmp(home, scratch, strlen(scratch)) == 0, "HOME=%s", home);
    snprintf(golden, sizeof golden,
             "EXTRA=1 2\nHOME=%s\nLANG=C\nPATH=/usr/bin:/bin\nPWD=%s\nSPINDLE_ARTEFACTS=%s/.artefacts\nSPINDLE_ATTEMPT=3\n"
             "SPINDLE_EXECUTION_ID=0197a3d0-0000-7000-8000-000000000001\n"
             "SPINDLE_IDEMPOTENCY_KEY=0197a3d0-0000-7000-8000-000000000001\nSPINDLE_JOB=night run\n"
             "SPINDLE_PARAM_a_b_c=x=y z\nSPINDLE_PARAM_region=eu\nSPINDLE_REPORT=/dev/fd/N\nSPINDLE_REPORT_FD=N\nTMPDIR=%s\n"
             "TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n", home, home, home, home);
    CHECK(strcmp(a->output, golden) == 0, "expected:\n%s\ngot:\n%s", golden, a->output);
    attempt_free(a);
    expect_output(start(instance, "", "Shell", "sh", "Script",
                        "umask; ls /proc/self/fd | wc -l; grep SigIgn /proc/self/status; grep SigBlk /proc/self/status",
                        NULL),
                  "0077\n5\nSigIgn:\t0000000000000000\nSigBlk:\t0000000000000000\n", "umask, fds, signals");
    expect_output(start(instance, "", "Shell", "bash", "Script",
                        "[ $(ps -o sid= -p $$) = $$ ] && stat -c %a \"$HOME\" && [ \"$PWD\" = \"$HOME\" ] && echo own", NULL),
                  "700\nown\n", "session and directory");
    expect_output(start(instance, "pwd", "WorkingDirectory", "/usr", NULL), "/usr\n", "WorkingDirectory");
    host_destroy(instance);
    instance = host_create("{\"workingDirectory\":\"/usr/bin\"}");
    expect_output(start(instance, "pwd", NULL), "/usr/bin\n", "workingDirectory");
    host_destroy(instance);
}

static void input_and_output(void *plain) {
    size_t size = SPINDLE_MAX_PAYLOAD_BYTES, i;
    char *payload = malloc(size);
    struct attempt *a;
    spindle_kv sum[] = { { SPINDLE_STR_INIT("Shell"), SPINDLE_STR_INIT("sh") },
                         { SPINDLE_STR_INIT("Script"), SPINDLE_STR_INIT("wc -c") } };
    for (i = 0; i < size; i++) payload[i] = (char)(i * 31);
    expect_output(start_with(plain, "", spindle_str_make(payload, size), sum, 2), "1048576\n", "1 MiB on stdin");
    a = start_with(plain, "/bin/cat", spindle_str_make(payload, size), NULL, 0);
    expect(a, SPINDLE_SUCCESS, "", "through cat");
    CHECK(a->output_len == size && memcmp(a->output, payload, size) == 0, "%zu bytes", a->output_len);
    CHECK(strcmp(metadata(a, "truncated"), "") == 0, "not truncated");
    attempt_free(a);
    a = start_with(plain, "/bin/true", spindle_str_make(payload, size), NULL, 0); /* does not read: EPIPE */
    expect(a, SPINDLE_SUCCESS, "", "payload not read");
    attempt_free(a);
    free(payload);
    a = start(plain, "", "Shell", "bash", "Script", "head -c 5242880 /dev/zero | tr '\\0' x; echo; echo end >&2", NULL);
    expect(a, SPINDLE_SUCCESS, "", "5 MiB");
    CHECK(a->output_len == SPINDLE_MAX_OUTPUT_BYTES && strcmp(metadata(a, "truncated"), "true") == 0, "%zu", a->output_len);
    CHECK(strcmp(metadata(a, "stdoutBytes"), "5242881") == 0, "%s", metadata(a, "stdoutBytes"));
    CHECK(strcmp(metadata(a, "stderrBytes"), "4") == 0, "%s", metadata(a, "stderrBytes"));
    CHECK(strcmp(a->content_type, "text/plain") == 0, "%s", a->content_type);
    CHECK(a->line_count == 5242880 / 16320 + 2, "%zu lines", a->line_count);
    attempt_free(a);
    a = start(plain, "echo", "args", "[\"0123456789\"]", "MaxOutputBytes", "4", "OutputContentType", "application/x", NULL);
    expect(a, SPINDLE_SUCCESS, "", "MaxOutputBytes");
    CHECK(strcmp(a->output, "0123") == 0 && strcmp(a->content_type, "application/x") == 0, "%s", a->output);
    CHECK(strcmp(metadata(a, "truncated"), "true") == 0, "flag");
    attempt_free(a);
    expect_output(start(plain, "echo", "Arg0", "x", "MaxOutputBytes", "0", NULL), "", "no output wanted");
}

static void lines(void *plain) {
    static const struct { const char *text, *stream; int32_t level; } want[] = {
        { "one", "stdout", SPINDLE_LOG_INFO }, { "", "stdout", SPINDLE_LOG_INFO }, { "crlf", "stdout", SPINDLE_LOG_INFO },
        { "10%", "stdout", SPINDLE_LOG_INFO }, { "20%", "stdout", SPINDLE_LOG_INFO }, { "partial", "stdout", SPINDLE_LOG_INFO } };
    struct attempt *a = start(plain, "printf", "Arg0", "one\\n\\ncrlf\\r\\n10%%\\r20%%\\rpartial", NULL);
    const struct line *line;
    size_t i = 0, total = 0;
    expect(a, SPINDLE_SUCCESS, "", "lines");
    for (line = a->lines; line != NULL && i < 6; line = line->next, i++) {
        CHECK(strcmp(line->text, want[i].text) == 0 && strcmp(line->stream, want[i].stream) == 0 &&
              line->level == want[i].level, "line %zu: %s %s %d", i, line->text, line->stream, line->level);
    }
    CHECK(a->line_count == 6, "%zu lines", a->line_count);
    attempt_free(a);
    /* A long line is not cut within a character: 3 bytes each, the limit is no multiple. */
    a = start(plain, "", "Shell", "python3", "Script", "import sys; sys.stdout.buffer.write('a\u20ac'.encode()*20000)", NULL);
    expect(a, SPINDLE_SUCCESS, "", "long line");
    for (line = a->lines; line != NULL; line = line->next) {
        total += line->len;
        CHECK((line->text[0] & 0xC0) != 0x80, "cut within a character");
    }
    CHECK(total == 80000 && a->line_count == 5, "%zu bytes, %zu lines", total, a->line_count);
    attempt_free(a);
    a = start(plain, "", "Shell", "sh", "Script", "echo out; echo err >&2", NULL);
    expect(a, SPINDLE_SUCCESS, "", "stderr");
    for (line = a->lines; line != NULL; line = line->next) {
        bool error = strcmp(line->text, "err") == 0;
        CHECK(strcmp(line->stream, error ? "stderr" : "stdout") == 0, "%s", line->stream);
        CHECK(line->level == (error ? SPINDLE_LOG_WARNING : SPINDLE_LOG_INFO), "%d", line->level);
    }
    attempt_free(a);
}

static void exit_codes(void) {
    static const struct { const char *config, *key, *value, *exit; int32_t outcome; const char *code; } cases[] = {
        { "{}", "x", "", "0", SPINDLE_SUCCESS, "" },
        { "{}", "x", "", "7", SPINDLE_RETRYABLE, "script.exit.7" },
        { "{}", "x", "", "126", SPINDLE_PERMANENT, "script.exec" },
        { "{}", "x", "", "127", SPINDLE_PERMANENT, "script.exec" },
        { "{}", "SuccessCodes", "0,3", "3", SPINDLE_SUCCESS, "" },
        { "{}", "SuccessCodes", "3", "0", SPINDLE_RETRYABLE, "script.exit.0" },
        { "{}", "PermanentCodes", " 2 , 10-20 ", "15", SPINDLE_PERMANENT, "script.exit.15" },
        { "{}", "PermanentCodes", "2,10-20", "21", SPINDLE_RETRYABLE, "script.exit.21" },
        { "{}", "RetryableCodes", "127", "127", SPINDLE_RETRYABLE, "script.exit.127" },
        { "{\"permanentCodes\":\"1-255\"}", "x", "", "9", SPINDLE_PERMANENT, "script.exit.9" },
        { "{\"permanentCodes\":\"1-255\"}", "RetryableCodes", "9", "9", SPINDLE_RETRYABLE, "script.exit.9" },
        { "{\"successCodes\":\"0-255\"}", "x", "", "255", SPINDLE_SUCCESS, "" },
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *instance = host_create(cases[i].config);
        struct attempt *a = start(instance, "", "Shell", "sh", "Script", "exit $1", "Arg0", cases[i].exit, cases[i].key,
                                  cases[i].value, NULL);
        expect(a, cases[i].outcome, cases[i].code, cases[i].exit);
        CHECK(strcmp(metadata(a, "exitCode"), cases[i].exit) == 0, "%s", metadata(a, "exitCode"));
        attempt_free(a);
        host_destroy(instance);
    }
}

static void failures(void *plain) {
    struct attempt *a = start(plain, "", "Shell", "sh", "Script",
                              "echo result; i=0; while [ $i -lt 3000 ]; do echo \"line $i\"; i=$((i+1)); done >&2; "
                              "printf 'quote \" \\001 \\377\\nlast\\n' >&2; exit 4", NULL);
    expect(a, SPINDLE_RETRYABLE, "script.exit.4", "stderr in the error");
    CHECK(strstr(a->message, "ended with exit code 4: line 2999\nquote \"") != NULL && strstr(a->message, "last") != NULL, "%s", a->message);
    CHECK(strcmp(a->output, "result\n") == 0, "output of a failure: %s", a->output);
    CHECK(a->details != NULL && strstr(a->details, "\"exitCode\":4,\"stderrTail\":\"") != NULL, "%s", a->details);
    CHECK(strstr(a->details, "quote \\\" \\u0001 \xEF\xBF\xBD\\nlast\\n\"}") != NULL, "%s", a->details);
    CHECK(a->details_len > 4096 && a->details_len < 6000, "%zu", a->details_len);
    attempt_free(a);
    a = start(plain, "", "Shell", "sh", "Script", "kill -SEGV $$", NULL);
    expect(a, SPINDLE_RETRYABLE, "script.signal.segv", "signal");
    CHECK(strcmp(metadata(a, "signal"), "SEGV") == 0 && strcmp(metadata(a, "exitCode"), "") == 0, "metadata");
    CHECK(strstr(a->details, "\"signal\":\"SEGV\"") != NULL, "%s", a->details);
    attempt_free(a);
    a = start(plain, "", "Shell", "sh", "Script", "kill -36 $$", NULL);
    expect(a, SPINDLE_RETRYABLE, "script.signal.rt2", "realtime signal");
    attempt_free(a);
    a = start(plain, "", "Shell", "bash", "Script", "x=1; for i in {1..200000}; do x=$((x+i)); done", NULL);
    expect(a, SPINDLE_SUCCESS, "", "usage");
    CHECK(atoi(metadata(a, "userMs")) > 0 && atoi(metadata(a, "maxRssKiB")) > 500 && atoi(metadata(a, "durationMs")) > 0,
          "%s %s %s", metadata(a, "userMs"), metadata(a, "maxRssKiB"), metadata(a, "durationMs"));
    attempt_free(a);
    a = start(plain, "", "Shell", "sh", "Script", "echo go; head -n 1 >/dev/null; echo x", "<", "\n", NULL);
    a->refuse_lines = false;
    expect(a, SPINDLE_SUCCESS, "", "log");
    attempt_free(a);
}

/* The private directory goes, whatever is in it; what a link in it points to stays. */
static void directories(void *plain) {
    char keep[4200], script[9000];
    snprintf(keep, sizeof keep, "%s/keep", scratch);
    mkdir(keep, 0755);
    snprintf(keep, sizeof keep, "%s/keep/file", scratch);
    fclose(fopen(keep, "we"));
    snprintf(script, sizeof script,
             "mkdir -p a/b/c 'odd\nname'; echo x > a/b/c/f; ln -s %s/keep link; ln -s %s/keep a/link; mkfifo fifo; "
             "mkdir locked; echo y > locked/z; chmod 0 locked; mkdir ro ro/d; touch ro/d/f; chmod 500 ro ro/d; echo $PWD", scratch, scratch);
    struct attempt *a = start(plain, "", "Shell", "bash", "Script", script, NULL);
    expect(a, SPINDLE_SUCCESS, "", "directory");
    a->output[strcspn(a->output, "\n")] = 0;
    CHECK(access(a->output, F_OK) != 0, "%s remains", a->output);
    CHECK(access(keep, F_OK) == 0, "a link was followed");
    attempt_free(a);
    a = start(plain, "", "Shell", "python3", "Script",
              "import os\nfor i in range(3000):\n os.mkdir('d'); open('f','w').close(); os.chdir('d')", NULL);
    expect(a, SPINDLE_SUCCESS, "", "3,000 deep");
    CHECK(strcmp(metadata(a, "directoryRemains"), "") == 0, "remains");
    attempt_free(a);
    /* It puts a link in its own place: neither the link's target nor what it moved away is touched. */
    snprintf(script, sizeof script, "mv \"$HOME\" %s/moved; ln -s %s/keep \"$HOME\"; echo $HOME", scratch, scratch);
    a = start(plain, "", "Shell", "bash", "Script", script, NULL);
    expect(a, SPINDLE_SUCCESS, "", "moved away");
    CHECK(access(keep, F_OK) == 0, "a link was followed");
    CHECK(strcmp(metadata(a, "directoryRemains"), "true") == 0, "not told");
    a->output[strcspn(a->output, "\n")] = 0;
    unlink(a->output);
    attempt_free(a);
}

/* A secret is a file that only the program has; a variable only if that is wanted. */
static void secrets(void *plain) {
    static const char script[] =
        "cat \"$SPINDLE_SECRET_api_token_FILE\"; echo; cat \"$SPINDLE_SECRET_api_token_FILE\"; echo; "
        "(echo x >\"$SPINDLE_SECRET_api_token_FILE\") 2>/dev/null || echo sealed; echo \"[${SPINDLE_SECRET_api_token-}]\"; "
        "env | grep -c sesame";
    void *open = host_create("{\"secretsInEnv\":true}");
    struct attempt *a = start(plain, "", "Shell", "sh", "Script", script, "token", "secret://api.token", "again",
                              "Bearer secret://api.token", "SuccessCodes", "1", NULL);
    expect(a, SPINDLE_SUCCESS, "", "secret");
    CHECK(strcmp(a->output, "open sesame\nopen sesame\nsealed\n[]\n0\n") == 0, "%s", a->output);
    attempt_free(a);
    a = start(open, "", "Shell", "sh", "Script", script, "token", "secret://api.token", NULL);
    expect(a, SPINDLE_SUCCESS, "", "secret in the environment");
    CHECK(strcmp(a->output, "open sesame\nopen sesame\nsealed\n[open sesame]\n1\n") == 0, "%s", a->output);
    attempt_free(a);
    a = start(plain, "", "Shell", "sh", "Script", "echo $SPINDLE_PARAM_token; env | grep -c SPINDLE_SECRET || true",
              "token", "secret://other", NULL);
    expect(a, SPINDLE_SUCCESS, "", "no secret");
    CHECK(strncmp(a->output, "secret://other\n0\n", 17) == 0, "%s", a->output);
    attempt_free(a);
    host_destroy(open);
}

void tests_run(void) {
    void *plain = host_create("{}");
    arguments(plain);
    shells(plain);
    environment();
    input_and_output(plain);
    lines(plain);
    exit_codes();
    failures(plain);
    directories(plain);
    secrets(plain);
    CHECK(host_check(plain) == SPINDLE_OK, "check");
    host_destroy(plain);
}
