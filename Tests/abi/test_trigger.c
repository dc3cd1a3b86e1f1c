/* The real worker with a plugin that submits jobs: test_trigger WORKER PLUGIN. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "spindle/trigger.h"

enum { INSTANCE = 1, ATTEMPT = 20 };

static const char *program, *plugin;

static int is(spw_bytes bytes, const char *text) { return bytes.len == strlen(text) && memcmp(bytes.ptr, text, bytes.len) == 0; }

static void begin(worker *worker, const char *config) {
    spw_create create = { 0 };
    create.uses = create.type = (spw_bytes){ "ticker", 6 };
    create.config = (spw_bytes){ config, strlen(config) };
    create.is_trigger = 1;
    worker_start(worker, program, plugin);
    worker_hello(worker, 1, 1 << 20);
    CHECK(worker_await(worker, SPW_READY));
    worker_send(worker, SPW_CREATE, INSTANCE, &create);
    CHECK(worker_await(worker, SPW_CREATED));
    worker_run(worker, ATTEMPT, INSTANCE, "", "");
}

/* The number of the next submission; 0 = there was another frame. */
static uint64_t next_submission(worker *worker) {
    spw_submit submit;
    spw_arena arena = { 0 };
    if (!worker_next(worker) || worker->frame.type != SPW_SUBMIT) return 0;
    worker_message(worker, &submit, sizeof submit, &arena);
    int fits = worker->frame.handle == ATTEMPT && is(submit.type, "probe") && is(submit.target, "tick")
            && is(submit.payload, "payload") && submit.parameters.count == 2 && submit.start_by_unix_ms == -1;
    spw_arena_free(&arena);
    return fits ? submit.number : 0;
}

static void answer(worker *worker, uint64_t number) {
    const spw_submitted submitted = { .number = number, .execution_id = { "0190a000-0000-7000-8000-000000000001", 36 } };
    worker_send(worker, SPW_SUBMITTED, ATTEMPT, &submitted);
}

static void expect_end(worker *worker, uint32_t outcome) {
    spw_completed completed;
    spw_arena arena = { 0 };
    if (!CHECK(worker_await(worker, SPW_COMPLETED))) return;
    worker_message(worker, &completed, sizeof completed, &arena);
    CHECK(completed.outcome == outcome);
    spw_arena_free(&arena);
    CHECK(worker_await(worker, SPW_RELEASED));
}

static void finish(worker *worker) {
    worker_send(worker, SPW_SHUTDOWN, 0, NULL);
    CHECK(worker_end(worker) == 0);
}

/* No more than is allowed are without an answer, each number is used once at a time, and each answer makes room for one. */
static void test_bound(void) {
    static char open[SPW_SUBMISSIONS_MAX + 1];
    worker worker;
    int fits = 1;
    begin(&worker, "{\"count\":3000,\"outcome\":0}");
    memset(open, 0, sizeof open);
    for (int i = 0; i < SPW_SUBMISSIONS_MAX; i++) {
        uint64_t number = next_submission(&worker);
        fits &= number >= 1 && number <= SPW_SUBMISSIONS_MAX && !open[number];
        if (fits) open[number] = 1;
    }
    CHECK(fits);
    /* It has stopped: a ping is answered before any other submission comes. */
    worker_send(&worker, SPW_PING, 0, &(spw_ping){ 7 });
    CHECK(worker_next(&worker) && worker.frame.type == SPW_PONG);
    for (int i = 0; i < 2000; i++) {
        answer(&worker, (uint64_t)(i % SPW_SUBMISSIONS_MAX) + 1);
        fits &= next_submission(&worker) == (uint64_t)(i % SPW_SUBMISSIONS_MAX) + 1;
    }
    CHECK(fits);
    for (uint64_t number = 1; number <= SPW_SUBMISSIONS_MAX; number++) answer(&worker, number);
    expect_end(&worker, SPINDLE_SUCCESS);
    finish(&worker);
}

static void test_cancel_and_late_answers(void) {
    worker worker;
    begin(&worker, "{\"count\":3}");
    uint64_t first = next_submission(&worker);
    CHECK(first != 0);
    worker_cancel(&worker, ATTEMPT, SPINDLE_CANCEL_SHUTDOWN);
    expect_end(&worker, SPINDLE_CANCELLED);
    answer(&worker, first);
    answer(&worker, 0);
    answer(&worker, UINT64_MAX);
    finish(&worker);
}

/* What nobody has asked for is ignored. */
static void test_foreign_answers(void) {
    worker worker;
    begin(&worker, "{\"count\":1,\"outcome\":0}");
    answer(&worker, 999);
    uint64_t number = next_submission(&worker);
    answer(&worker, 999);
    answer(&worker, number);
    answer(&worker, number);
    expect_end(&worker, SPINDLE_SUCCESS);
    finish(&worker);
}

static void test_probe(void) {
    worker worker;
    spw_report_executor report;
    int executors = 0, triggers = 0;
    worker_start(&worker, program, plugin);
    worker_hello(&worker, 1, 1 << 20);
    CHECK(worker_await(&worker, SPW_READY));
    worker_send(&worker, SPW_DESCRIBE, 0, NULL);
    while (worker_next(&worker) && worker.frame.type != SPW_REPORT_END) {
        spw_arena arena = { 0 };
        if (worker.frame.type == SPW_REPORT_EXECUTOR) {
            worker_message(&worker, &report, sizeof report, &arena);
            if (report.is_trigger) triggers++;
            else executors++;
            CHECK(is(report.type, report.is_trigger ? "ticker" : "idle"));
        }
        spw_arena_free(&arena);
    }
    CHECK(executors == 1 && triggers == 1);
    finish(&worker);
}

int main(int argc, char **argv) {
    if (argc < 3) return 64;
    program = argv[1];
    plugin = argv[2];
    test_probe();
    test_bound();
    test_cancel_and_late_answers();
    test_foreign_answers();
    return checks_closed();
}
