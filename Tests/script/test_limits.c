/* What a program may use, and whom it runs as. */
#include "host.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void seen(void *plain) {
    void *instance = host_create("{\"maxCpuSeconds\":50,\"maxOpenFiles\":64,\"maxFileBytes\":1024000}");
    static const char script[] = "ulimit -t; ulimit -Ht; ulimit -n; ulimit -Hn; ulimit -f; ulimit -v";
    expect_output(start(instance, "", "Shell", "bash", "Script", script, NULL), "50\n51\n64\n64\n1000\nunlimited\n", "configured");
    expect_output(start(instance, "", "Shell", "bash", "Script", script, "MaxCpuSeconds", "5", "MaxOpenFiles", "20", "MaxFileBytes",
                        "0", "MaxMemoryBytes", "1073741824", NULL), "5\n6\n20\n20\n0\n1048576\n", "lowered by the job");
    host_destroy(instance);
    (void)plain;
}

static void hit(void *plain) {
    struct attempt *a = start(plain, "", "Shell", "bash", "Script", "while :; do :; done", "MaxCpuSeconds", "1", NULL);
    expect(a, SPINDLE_PERMANENT, "script.limit.cpu", "time of processors");
    CHECK(strcmp(metadata(a, "signal"), "XCPU") == 0 && strstr(a->message, "used up its time") != NULL, "%s", a->message);
    attempt_free(a);
    a = start(plain, "", "Shell", "bash", "Script", "trap '' XCPU; while :; do :; done", "MaxCpuSeconds", "1", NULL);
    expect(a, SPINDLE_PERMANENT, "script.limit.cpu", "who ignores the first sign");
    CHECK(strcmp(metadata(a, "signal"), "KILL") == 0, "%s", metadata(a, "signal"));
    attempt_free(a);
    a = start(plain, "/bin/dd", "args", "[\"if=/dev/zero\",\"of=big\",\"bs=1000\",\"count=5\"]", "MaxFileBytes", "2000", NULL);
    expect(a, SPINDLE_PERMANENT, "script.limit.file", "a long file");
    CHECK(strcmp(metadata(a, "signal"), "XFSZ") == 0, "%s", a->message);
    attempt_free(a);
    a = start(plain, "", "Shell", "python3", "Script", "x = bytearray(500_000_000)", "MaxMemoryBytes", "200000000", NULL);
    expect(a, SPINDLE_RETRYABLE, "script.exit.1", "memory");
    CHECK(strstr(a->message, "MemoryError") != NULL, "%s", a->message);
    attempt_free(a);
    a = start(plain, "", "Shell", "python3", "Script", "f = [open('/dev/null') for i in range(30)]", "MaxOpenFiles", "20", NULL);
    expect(a, SPINDLE_RETRYABLE, "script.exit.1", "open files");
    CHECK(strstr(a->message, "Too many open files") != NULL, "%s", a->message);
    attempt_free(a);
    /* A signal of these names is one only where there is such a limit: of the sandbox, or of its own making. */
    a = start(plain, "", "Shell", "sh", "Script", "kill -KILL $$", NULL);
    expect(a, SPINDLE_RETRYABLE, "script.signal.kill", "no limit");
    attempt_free(a);
}

static void as_nobody(void) {
    void *instance = host_create("{\"user\":\"nobody\",\"maxProcesses\":300}");
    int dumpable = prctl(PR_GET_DUMPABLE);
    struct attempt *a;
    if (!CHECK(instance != NULL, "%s", host_error.message)) return;
    expect_output(start(instance, "", "Shell", "bash", "Script",
                        "id -un; id -G; grep -E 'NoNewPrivs|CapEff|CapPrm' /proc/self/status; touch \"$HOME/x\" && stat -c %U \"$HOME\" \"$0\"; "
                        "ulimit -u; cat /proc/1/environ >/dev/null 2>&1 || echo private", NULL),
                  "nobody\n65534\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nnobody\nnobody\n300\nprivate\n",
                  "nobody");
    CHECK(prctl(PR_GET_DUMPABLE) == dumpable, "what the kernel shows of the worker has changed");
    /* All that it is given it may open again by name, secrets too. */
    a = start(instance, "", "Shell", "bash", "Script",
              "echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin; echo '{\"progress\":1}' >>\"$SPINDLE_REPORT\"; "
              "cat \"$SPINDLE_SECRET_api_token_FILE\"; echo kept >\"$SPINDLE_ARTEFACTS/a\"", "<", "in\n", "t", "secret://api.token", NULL);
    expect(a, SPINDLE_SUCCESS, "", "ends by name");
    CHECK(strcmp(a->output, "out\nin\nopen sesame") == 0 && a->progress_done == 1, "%s%s", a->output, a->message);
    CHECK(artefact(a, "a") != NULL && artefact(a, "a")->whole, "artefact");
    attempt_free(a);
    /* It dies with the worker all the same, and the worker can end it. */
    a = start(instance, "", "Shell", "bash", "Script", "echo ready; exec sleep 1000", NULL);
    wait_for_line(a, "ready");
    cancel_attempt(a, SPINDLE_CANCEL_USER, 5000);
    expect(a, SPINDLE_CANCELLED, "script.cancelled", "cancel");
    attempt_free(a);
    a = start(instance, "pwd", "WorkingDirectory", "/root", NULL);
    expect(a, SPINDLE_PERMANENT, "script.workdir", "a directory that its user may not enter");
    CHECK(strstr(a->message, "may not enter") != NULL, "%s", a->message);
    attempt_free(a);
    host_destroy(instance);
    instance = host_create("{\"user\":\"1234:4321\"}");
    expect_output(start(instance, "", "Shell", "sh", "Script", "id -u; id -g; id -G", NULL), "1234\n4321\n4321\n", "numbers");
    host_destroy(instance);
    instance = host_create("{\"user\":\"root\",\"allowRoot\":true}");
    CHECK(instance != NULL, "%s", host_error.message);
    if (instance != NULL) host_destroy(instance);
}

void tests_limits(void) {
    void *plain = host_create("{}");
    seen(plain);
    hit(plain);
    if (geteuid() == 0) {
        as_nobody();
    } else {
        char own[80];
        void *instance = host_create("{\"user\":\"1\"}");
        CHECK(instance == NULL && strstr(host_error.message, "only root") != NULL, "%s", host_error.message);
        snprintf(own, sizeof own, "{\"user\":\"%u:%u\"}", (unsigned)geteuid(), (unsigned)getegid());
        instance = host_create(own);
        CHECK(instance != NULL, "%s", host_error.message);
        expect_output(start(instance, "echo", "Arg0", "same", NULL), "same\n", "the worker's own user");
        host_destroy(instance);
    }
    host_destroy(plain);
}
