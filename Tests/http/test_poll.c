/* Work that a server accepts and that is asked for until it is done. */
#include <stdlib.h>

#include "harness.h"

#define FAST "Async", "poll", "PollIntervalMs", "100"
#define STATED FAST, "PollState", "/job/state"

/* A number in what the server knows of a piece of work. */
static long known(const char *key, const char *what) {
    char path[200], wanted[60];
    struct run *run;
    const char *at;
    long value;
    snprintf(path, sizeof path, "/jobs/%s", key);
    snprintf(wanted, sizeof wanted, "\"%s\": ", what);
    run = GO(plain, url(path));
    at = strstr(run->output, wanted);
    value = at == NULL ? -1 : strtol(at + strlen(wanted), NULL, 10);
    run_free(run);
    return value;
}

void test_polling(void) {
    struct run *run = GO(plain, url("/work/a/2/done"), FAST, "Body", "{}", "Header_X-Api-Key", "k");
    expect(run, SPINDLE_SUCCESS, "", "202 until done");
    HAS(run, "\"result\": 42");
    CHECK(strcmp(run_metadata(run, "polls"), "3") == 0, "%s", run_metadata(run, "polls"));
    CHECK(strstr(run_metadata(run, "url"), "/job/a") != NULL, "%s", run_metadata(run, "url"));
    CHECK(run->checkpoints == 1 && strstr(run->checkpoint, "/job/a\"") != NULL, "%s", run->checkpoint);
    CHECK(known("a", "sent") == 1 && known("a", "asked") == 3, "%ld %ld", known("a", "sent"), known("a", "asked"));
    run_free(run);
    run = GO(plain, url("/jobs/a"));
    HAS(run, "[\"X-Api-Key\", \"k\"]");
    LACKS(run, "[\"Content-Type\"");
    run_free(run);
    run = GO(plain, url("/work/b/2/Succeeded/state"), STATED, "Method", "POST", "Assert_Json", "{\"/result\":42}");
    expect(run, SPINDLE_SUCCESS, "", "by its state");
    CHECK(strcmp(run->progress, "Running") == 0, "%s", run->progress);
    run_free(run);
    run = GO(plain, url("/work/c/0/finished/state"), STATED, "PollDone", "finished, ended", "Assert_Json", "{\"/result\":41}");
    expect(run, SPINDLE_PERMANENT, "http.assert", "asserted of the end");
    run_free(run);
    run = GO(plain, url("/work/d/0/x/now"), FAST);
    expect(run, SPINDLE_SUCCESS, "", "done at once");
    HAS(run, "at once");
    run_free(run);
    run = GO(plain, url("/work/e/1/redirect"), FAST, "FollowRedirects", "true");
    expect(run, SPINDLE_SUCCESS, "", "303 to the result");
    HAS(run, "body of 200");
    run_free(run);
    /* Without being asked for, 202 is an answer like others. */
    run = GO(plain, url("/work/f/1/done"));
    expect(run, SPINDLE_SUCCESS, "", "not asked for");
    CHECK(run->checkpoints == 0 && strcmp(run->output, "accepted") == 0, "%s", run->output);
    run_free(run);
    /* Every second question fails: that is no reason to give up. */
    run = GO(plain, url("/work/g/3/done/flaky"), FAST);
    expect(run, SPINDLE_SUCCESS, "", "flaky");
    run_free(run);
    /* Retry-After takes the place of the interval. */
    run = GO(plain, url("/work/h/1/done/later"), FAST, "PollDeadlineMs", "900");
    expect(run, SPINDLE_PERMANENT, "http.poll.deadline", "later than the deadline");
    CHECK(known("h", "asked") == 1, "%ld", known("h", "asked"));
    run_free(run);
    /* Tokens go along, also when each is taken back before the next question. */
    fake_secret("client", "s3cret");
    void *instance = create("{\"hosts\":[{\"origin\":\"http://127.0.0.1:%d\",\"oauth2\":{\"tokenUrl\":\"http://good.test:%d/token/3600\","
                            "\"clientId\":\"me\",\"clientSecret\":\"secret://client\"}}]}", port, port);
    run = GO(instance, url("/work/j/3/done/secure"), FAST);
    expect(run, SPINDLE_SUCCESS, "", "with tokens");
    CHECK(known("j", "sent") == 1 && known("j", "asked") == 4, "%ld %ld", known("j", "sent"), known("j", "asked"));
    run_free(run);
    destroy_instance(instance);
    /* Another origin gets none of the job's headers. */
    run = GO(plain, url("/work/i/0/done/elsewhere"), FAST, "Header_X-Api-Key", "k", "Header_Accept", "a/b");
    expect(run, SPINDLE_SUCCESS, "", "elsewhere");
    CHECK(strstr(run->checkpoint, "\"foreign\":true") != NULL, "%s", run->checkpoint);
    run_free(run);
    run = GO(plain, url("/jobs/i"));
    LACKS(run, "X-Api-Key");
    HAS(run, "[\"Accept\", \"a/b\"]");
    run_free(run);
}

void test_poll_failures(void) {
    struct run *run = GO(plain, url("/work/k/1/Failed/state"), STATED);
    expect(run, SPINDLE_PERMANENT, "http.poll.failed", "failed");
    CHECK(strstr(run->message, "Failed") != NULL && run->checkpoint[0] == '\0' && run->checkpoints == 2, "%s", run->message);
    HAS(run, "\"state\": \"Failed\"");
    run_free(run);
    run = GO(plain, url("/work/l/0/x/state/silent"), STATED);
    expect(run, SPINDLE_PERMANENT, "http.poll.state", "no state");
    run_free(run);
    run = GO(plain, url("/work/m/0/x/nowhere"), FAST);
    expect(run, SPINDLE_PERMANENT, "http.poll.location", "no location");
    run_free(run);
    run = GO(plain, url("/work/n/0/x/bad"), FAST);
    expect(run, SPINDLE_PERMANENT, "http.address", "a location that is not allowed");
    run_free(run);
    run = GO(plain, url("/work/o/0/gone"), FAST);
    expect(run, SPINDLE_PERMANENT, "http.status.410", "gone");
    run_free(run);
    run = GO(plain, url("/work/p/0/x/dead"), FAST);
    expect(run, SPINDLE_RETRYABLE, "http.status.503", "dead");
    CHECK(known("p", "asked") == 4 && run->checkpoint[0] != '\0', "%ld %s", known("p", "asked"), run->checkpoint);
    run_free(run);
    run = GO(plain, url("/to/202//broken"), FAST, "SaveBody", "artefact");
    expect(run, SPINDLE_RETRYABLE, "http.connection", "a final answer that breaks in the artefact");
    CHECK(run->artefact_last == 0 && run->checkpoint[0] != '\0', "%d", run->artefact_last);
    run_free(run);
    run = GO(plain, url("/work/q/1000000/x"), FAST, "PollDeadlineMs", "450");
    expect(run, SPINDLE_PERMANENT, "http.poll.deadline", "too slow");
    CHECK(known("q", "asked") >= 1 && run->checkpoint[0] == '\0', "%s", run->checkpoint);
    run_free(run);
    static const char *const bad[][4] = {{"PollIntervalMs", "100", "Async", "none"}, {"Async", "poll", "PollIntervalMs", "99"},
                                         {"Async", "poll", "PollDone", "x"},         {"Async", "poll", "PollState", "state"},
                                         {"Async", "callback", "Method", "GET"},     {"Async", "poll", "PollDeadlineMs", "0"}};
    size_t i;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        run = GO(plain, url("/work/r/0/x"), bad[i][0], bad[i][1], bad[i][2], bad[i][3]);
        expect(run, SPINDLE_PERMANENT, "http.parameter", bad[i][1]);
        run_free(run);
    }
    CHECK(known("r", "sent") == -1, "something was sent");
}

static struct run *again(const char *path, const char *checkpoint) {
    static char text[2048];
    struct run *run = run_new(plain, url(path));
    snprintf(text, sizeof text, "%s", checkpoint);
    run->request.checkpoint = spindle_str_from_cstr(text);
    run->request.attempt = 2;
    run_param(run, "Async", "poll");
    run_param(run, "PollIntervalMs", "100");
    return run;
}

void test_poll_checkpoint(void) {
    static const char *const bad[] = {"{", "[]", "{}", "null", "{\"poll\":\"ftp://x/\",\"accepted\":1,\"foreign\":false}",
                                      "{\"poll\":\"http://127.0.0.1/\",\"accepted\":\"1\",\"foreign\":false}",
                                      "{\"poll\":\"http://127.0.0.1/\",\"accepted\":1,\"foreign\":0}"};
    struct run *first = run_new(plain, url("/work/s/5/done")), *run;
    char checkpoint[2048];
    size_t i;
    /* Interrupted when the work was accepted: the next attempt goes on asking and sends nothing. */
    run_param(first, "Async", "poll");
    run_param(first, "PollIntervalMs", "3600000");
    run_execute(first);
    run_await_progress(first, "accepted");
    run_cancel(first, SPINDLE_CANCEL_SHUTDOWN);
    run_wait(first);
    expect(first, SPINDLE_CANCELLED, "http.cancelled", "interrupted");
    snprintf(checkpoint, sizeof checkpoint, "%s", first->checkpoint);
    run_free(first);
    run = again("/work/s/5/done", checkpoint);
    run_param(run, "File_f", "gone since.csv"); /* it is not needed any more */
    sent(run);
    expect(run, SPINDLE_SUCCESS, "", "resumed");
    CHECK(known("s", "sent") == 1 && known("s", "asked") == 6, "%ld %ld", known("s", "sent"), known("s", "asked"));
    run_free(run);
    /* Its time is over while it rests. */
    run = run_new(plain, url("/work/t/5/done"));
    run->request.timeout_ms = 150;
    run_param(run, "Async", "poll");
    run_param(run, "PollIntervalMs", "3600000");
    sent(run);
    expect(run, SPINDLE_RETRYABLE, "http.timeout", "rested too long");
    CHECK(strstr(run->message, "goes on asking") != NULL && run->checkpoint[0] != '\0', "%s", run->message);
    run_free(run);
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        run = sent(again("/work/u/0/x", bad[i]));
        expect(run, SPINDLE_PERMANENT, "http.poll.checkpoint", bad[i]);
        run_free(run);
    }
    run = sent(again("/work/u/0/x", "{\"poll\":\"http://169.254.169.254/\",\"accepted\":1,\"foreign\":false}"));
    expect(run, SPINDLE_PERMANENT, "http.poll.deadline", "accepted in 1970");
    run_free(run);
    run = sent(again("/work/u/0/x", "{\"poll\":\"http://169.254.169.254/\",\"accepted\":9000000000000000,\"foreign\":false}"));
    expect(run, SPINDLE_PERMANENT, "http.address", "a checkpoint that leads inside");
    run_free(run);
    run = again("/work/u/0/x", "");
    snprintf(checkpoint, sizeof checkpoint, "{\"poll\":\"http://good.test:%d/echo\",\"accepted\":9000000000000000,\"foreign\":false}", port);
    run->request.checkpoint = spindle_str_from_cstr(checkpoint);
    run_param(run, "Header_X-Api-Key", "k");
    sent(run);
    expect(run, SPINDLE_SUCCESS, "", "a checkpoint that calls another origin its own");
    LACKS(run, "X-Api-Key");
    run_free(run);
    CHECK(known("u", "sent") == -1, "something was sent again");
}
