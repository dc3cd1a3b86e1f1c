/* The real worker with the zoo: test_worker WORKER PLUGIN [MiB of flood]. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "spindle/executor.h"

static const char *program, *plugin;
static long flood_mib = 8;

static void begin(worker *worker, const char *type, uint32_t threads, uint64_t credit) {
    worker_start(worker, program, plugin);
    worker_hello(worker, threads, credit);
    CHECK(worker_await(worker, SPW_READY));
    worker_create(worker, 1, type);
}

static void begin_serial(worker *worker, const char *type) { begin(worker, type, 1, 1 << 20); }

/* Stops it nicely. */
static void finish(worker *worker) {
    worker_send(worker, SPW_SHUTDOWN, 0, NULL);
    CHECK(worker_end(worker) == 0);
}

/* Checks COMPLETED and RELEASED of the next attempt to end. */
static void expect(worker *worker, uint64_t token, uint32_t outcome, const char *output, const char *code) {
    spw_completed completed;
    spw_arena arena = { 0 };
    if (!CHECK(worker_await(worker, SPW_COMPLETED))) return;
    worker_message(worker, &completed, sizeof completed, &arena);
    CHECK(worker->frame.handle == token);
    CHECK(completed.outcome == outcome);
    if (output != NULL) {
        CHECK(completed.output.len == strlen(output) && memcmp(completed.output.ptr, output, strlen(output)) == 0);
    }
    if (code != NULL) {
        CHECK(completed.fault.code.len == strlen(code) && memcmp(completed.fault.code.ptr, code, strlen(code)) == 0);
    }
    spw_arena_free(&arena);
    CHECK(worker_await(worker, SPW_RELEASED));
    CHECK(worker->frame.handle == token);
}

static void simple(const char *type, uint32_t outcome, const char *output, const char *code) {
    worker worker;
    begin_serial(&worker, type);
    for (uint64_t token = 10; token < 13; token++) {
        worker_run(&worker, token, 1, "t", "payload");
        expect(&worker, token, outcome, output, code);
    }
    finish(&worker);
}

static void test_well_behaved(void) {
    simple("echo", SPINDLE_SUCCESS, "payload", NULL);
    simple("many", SPINDLE_SUCCESS, "payload", NULL);
    simple("async", SPINDLE_SUCCESS, "payload", NULL);
    simple("early", SPINDLE_SUCCESS, "early", NULL);
    simple("tells", SPINDLE_SUCCESS, "opensesame", NULL);
}

static void test_contract(void) {
    simple("twice", SPINDLE_SUCCESS, "first", NULL);
    simple("silent", SPINDLE_PERMANENT, NULL, "spindle.contract");
    simple("refuses", SPINDLE_PERMANENT, NULL, "zoo.no");
}

static void test_stale_is_counted(void) {
    worker worker;
    spw_pong pong;
    spw_arena arena = { 0 };
    const spw_ping ping = { 42 };
    begin_serial(&worker, "twice");
    worker_run(&worker, 10, 1, NULL, NULL);
    expect(&worker, 10, SPINDLE_SUCCESS, "first", NULL);
    worker_send(&worker, SPW_PING, 0, &ping);
    CHECK(worker_await(&worker, SPW_PONG));
    worker_message(&worker, &pong, sizeof pong, &arena);
    CHECK(pong.nonce == 42 && pong.stale_calls == 1 && pong.open == 0);
    finish(&worker);
}

/* Waits for the log line by which an executor says that it runs. */
static void await_started(worker *worker) { CHECK(worker_await(worker, SPW_LOG)); }

static void test_cancel(void) {
    worker worker;
    begin_serial(&worker, "pending");
    worker_run(&worker, 10, 1, NULL, NULL);
    await_started(&worker);
    worker_cancel(&worker, 10, SPINDLE_CANCEL_USER);
    worker_cancel(&worker, 10, SPINDLE_CANCEL_USER);
    expect(&worker, 10, SPINDLE_CANCELLED, NULL, "zoo.in_cancel");
    finish(&worker);

    begin_serial(&worker, "stubborn");
    worker_run(&worker, 10, 1, NULL, NULL);
    await_started(&worker);
    worker_cancel(&worker, 10, SPINDLE_CANCEL_TIMEOUT);
    worker_cancel(&worker, 10, SPINDLE_CANCEL_SHUTDOWN);
    expect(&worker, 10, SPINDLE_CANCELLED, NULL, "zoo.late");
    finish(&worker);

    begin(&worker, "async", 2, 1 << 20);
    for (uint64_t token = 10; token < 30; token++) worker_run(&worker, token, 1, "wait", NULL);
    for (uint64_t token = 10; token < 30; token++) worker_cancel(&worker, token, SPINDLE_CANCEL_USER);
    int ended = 0;
    while (ended < 20 && CHECK(worker_await(&worker, SPW_RELEASED))) ended++;
    finish(&worker);
}

static void test_room(void) {
    worker worker;
    begin_serial(&worker, "stubborn");
    worker_run(&worker, 10, 1, NULL, NULL);
    await_started(&worker);
    worker_run(&worker, 11, 1, NULL, NULL); /* not concurrent: no room */
    expect(&worker, 11, SPINDLE_RETRYABLE, NULL, "spindle.busy");
    worker_run(&worker, 12, 99, NULL, NULL);
    expect(&worker, 12, SPINDLE_RETRYABLE, NULL, "spindle.instance");
    worker_cancel(&worker, 10, SPINDLE_CANCEL_SHUTDOWN);
    expect(&worker, 10, SPINDLE_CANCELLED, NULL, "zoo.late");
    finish(&worker);

    /* All threads of the pool are held, and a ping still passes. */
    const spw_ping ping = { 7 };
    begin(&worker, "crowd", 3, 1 << 20);
    for (uint64_t token = 10; token < 13; token++) worker_run(&worker, token, 1, NULL, NULL);
    for (int i = 0; i < 3; i++) await_started(&worker);
    worker_send(&worker, SPW_PING, 0, &ping);
    CHECK(worker_await(&worker, SPW_PONG));
    for (uint64_t token = 10; token < 13; token++) worker_cancel(&worker, token, SPINDLE_CANCEL_SHUTDOWN);
    for (int i = 0; i < 3; i++) CHECK(worker_await(&worker, SPW_RELEASED));
    finish(&worker);
}

/* The runner dies of `signal`; the page names attempt 10. */
static void dies(const char *type, int signal, int handled) {
    worker worker;
    uint64_t tokens[4] = { 0 };
    begin_serial(&worker, type);
    worker_run(&worker, 10, 1, NULL, NULL);
    CHECK(!worker_await(&worker, SPW_COMPLETED));
    size_t count = spw_page_suspects(worker.page, tokens, 4);
    CHECK(count == 1 && tokens[0] == 10);
    if (handled) {
        CHECK(worker.page->crash.signal == (uint32_t)signal && worker.page->crash.token == 10);
        CHECK(worker.page->crash.load_base != 0 && worker.page->crash.frame_count > 0);
    }
    int status = worker_end(&worker);
    if (signal == 0) CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    else CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signal);
}

/* What an attempt prints before its end of all is its log, also without a newline. */
static void complains(const char *target) {
    worker worker;
    spw_log line;
    spw_arena arena = { 0 };
    int first = 0, last = 0, lines = 0;
    begin_serial(&worker, "complains");
    worker_run(&worker, 10, 1, target, NULL);
    while (worker_next(&worker)) {
        if (worker.frame.type != SPW_LOG || worker.frame.handle != 10) continue;
        worker_message(&worker, &line, sizeof line, &arena);
        lines++;
        first += line.message.len == 5 && memcmp(line.message.ptr, "first", 5) == 0;
        last += line.message.len == 10 && memcmp(line.message.ptr, "last words", 10) == 0;
    }
    CHECK(first == 1 && last == 1 && lines == 2);
    (void)worker_end(&worker);
    spw_arena_free(&arena);
}

static void test_last_words(void) {
    for (int i = 0; i < 20; i++) {
        complains(NULL);
        complains("exit");
    }
}

static void test_deaths(int sanitized) {
    dies("crash", SIGSEGV, 1);
    dies("aborts", SIGABRT, 1);
    dies("exits", 0, 0);
    if (!sanitized) dies("overflow", SIGSEGV, 0); /* sanitizers give every thread a stack for handlers */
}

static void test_kill(void) {
    worker worker;
    uint64_t tokens[4] = { 0 };
    begin_serial(&worker, "loop");
    worker_run(&worker, 10, 1, NULL, NULL);
    await_started(&worker);
    CHECK(spw_page_suspects(worker.page, tokens, 4) == 1 && tokens[0] == 10);
    worker_kill(&worker, SIGKILL);
    int status = worker_end(&worker);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

    begin_serial(&worker, "loop");
    worker_run(&worker, 10, 1, NULL, NULL);
    await_started(&worker);
    worker_kill(&worker, SIGTERM);
    status = worker_end(&worker);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);

    /* The end of the stream comes when a grandchild in its own session is gone too. */
    begin_serial(&worker, "leaves");
    worker_run(&worker, 10, 1, NULL, NULL);
    expect(&worker, 10, SPINDLE_SUCCESS, NULL, NULL);
    worker_kill(&worker, SIGKILL);
    status = worker_end(&worker);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

    /* A host that goes away takes everything with it. */
    begin_serial(&worker, "loop");
    worker_run(&worker, 10, 1, NULL, NULL);
    await_started(&worker);
    close(worker.control);
    int got = (int)waitpid(worker.pid, &status, 0);
    CHECK(got == worker.pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    while (worker_next(&worker)) {}
    close(worker.runner);
}

static void test_flood(void) {
    worker worker;
    char target[32];
    spw_completed completed;
    spw_arena arena = { 0 };
    spw_log line;
    size_t logged = 0;
    uint64_t told = 0, dropped = 0, ends = 0;
    snprintf(target, sizeof target, "%ld", flood_mib);
    begin(&worker, "flood", 1, 64 * 1024);
    worker_run(&worker, 10, 1, target, NULL);
    const spw_ping ping = { 1 };
    worker_send(&worker, SPW_PING, 0, &ping);
    int pong = 0;
    while (worker_next(&worker) && worker.frame.type != SPW_COMPLETED) {
        if (worker.frame.type == SPW_LOG) {
            logged += worker.frame.body.len;
            worker_message(&worker, &line, sizeof line, &arena);
            told++;
            dropped += line.dropped;
            ends += line.message.len == 7 && memcmp(line.message.ptr, "the end", 7) == 0;
        }
        pong |= worker.frame.type == SPW_PONG;
    }
    CHECK(pong);
    CHECK(worker.frame.type == SPW_COMPLETED);
    worker_message(&worker, &completed, sizeof completed, &arena);
    CHECK(completed.outcome == SPINDLE_SUCCESS && completed.logs_dropped > 0);
    /* The credit, and the last lines of the log and of stdout; each line was told, or counted where it is missing. */
    CHECK(logged <= 3 * 64 * 1024);
    CHECK(ends == 2);
    CHECK(told + dropped == 1024 * (uint64_t)flood_mib + 2);
    spw_arena_free(&arena);
    finish(&worker);
}

static void test_output(void) {
    worker worker;
    int lines = 0;
    begin_serial(&worker, "prints");
    worker_run(&worker, 10, 1, NULL, NULL);
    while (worker_next(&worker) && worker.frame.type != SPW_COMPLETED) {
        if (worker.frame.type == SPW_LOG && worker.frame.handle == 10) lines++;
    }
    CHECK(lines == 3); /* two on stdout, one on stderr, all before the completion */
    CHECK(worker_await(&worker, SPW_RELEASED));
    finish(&worker);
}

static void test_news(void) {
    worker worker;
    spw_completed completed;
    spw_progress progress = { 0 };
    spw_arena arena = { 0 };
    int told = 0, checkpoint = 0, artefact = 0;
    begin_serial(&worker, "tells");
    worker_run(&worker, 10, 1, NULL, NULL);
    while (worker_next(&worker) && worker.frame.type != SPW_COMPLETED) {
        if (worker.frame.type == SPW_PROGRESS) {
            told++;
            worker_message(&worker, &progress, sizeof progress, &arena);
        }
        checkpoint += worker.frame.type == SPW_CHECKPOINT;
        artefact += worker.frame.type == SPW_ARTEFACT;
    }
    CHECK(told >= 1 && told < 1000 && progress.done == 1000);
    CHECK(checkpoint >= 1 && artefact == 1);
    worker_message(&worker, &completed, sizeof completed, &arena);
    CHECK(completed.metadata.count == 1 && memcmp(completed.metadata.items[0].value.ptr, "new", 3) == 0);
    spw_arena_free(&arena);
    finish(&worker);
}

static void test_probe(void) {
    worker worker;
    int executors = 0;
    spw_report_executor report;
    spw_answer answer;
    spw_arena arena = { 0 };
    worker_start(&worker, program, plugin);
    worker_hello(&worker, 1, 0);
    CHECK(worker_await(&worker, SPW_READY));
    worker_send(&worker, SPW_DESCRIBE, 0, NULL);
    while (worker_next(&worker) && worker.frame.type != SPW_REPORT_END) {
        executors += worker.frame.type == SPW_REPORT_EXECUTOR;
    }
    CHECK(executors == 20);
    const spw_create one = { .uses = { "echo", 4 } };
    worker_send(&worker, SPW_DESCRIBE_INSTANCE, 5, &one);
    CHECK(worker_await(&worker, SPW_REPORT_EXECUTOR) && worker.frame.handle == 5);
    worker_message(&worker, &report, sizeof report, &arena);
    CHECK(report.target_prefixes.count == 1 && report.description.len == 9 && report.name.len == 4);
    const spw_question yes = { .uses = { "echo", 4 }, .target = { "zoo://yes", 9 } };
    const spw_question no = { .uses = { "echo", 4 }, .target = { "zoo://no", 8 } };
    for (int i = 0; i < 2; i++) {
        worker_send(&worker, SPW_CAN_EXECUTE, 6, i == 0 ? &yes : &no);
        CHECK(worker_await(&worker, SPW_ANSWER));
        worker_message(&worker, &answer, sizeof answer, &arena);
        CHECK(answer.status == (i == 0));
    }
    const spw_create bad = { .uses = { "echo", 4 }, .config = { "[]", 2 } };
    worker_send(&worker, SPW_CREATE, 7, &bad);
    CHECK(worker_await(&worker, SPW_CREATED));
    worker_message(&worker, &answer, sizeof answer, &arena);
    CHECK(answer.status == SPINDLE_E_CONFIG && memcmp(answer.fault.pointer.ptr, "/x", 2) == 0);
    spw_arena_free(&arena);
    finish(&worker);
}

static void test_wrong_build(void) {
    worker worker;
    spw_failed failed;
    spw_arena arena = { 0 };
    const spw_hello hello = { .build_id = { "other", 5 } };
    worker_start(&worker, program, plugin);
    worker_send(&worker, SPW_HELLO, 0, &hello);
    CHECK(worker_next(&worker) && worker.frame.type == SPW_FAILED);
    worker_message(&worker, &failed, sizeof failed, &arena);
    CHECK(memmem(failed.message.ptr, failed.message.len, "other", 5) != NULL);
    CHECK(memmem(failed.message.ptr, failed.message.len, spw_build_id(), strlen(spw_build_id())) != NULL);
    worker_end(&worker);

    worker_start(&worker, program, program); /* an executable is no plugin */
    worker_hello(&worker, 1, 0);
    CHECK(worker_next(&worker) && worker.frame.type == SPW_FAILED);
    worker_end(&worker);
}

int main(int argc, char **argv) {
    if (argc < 4) return 64;
    program = argv[1];
    plugin = argv[2];
    int sanitized = strcmp(argv[3], "sanitized") == 0;
    if (argc > 4) flood_mib = strtol(argv[4], NULL, 10);
    alarm(1800); /* a watchdog only: far beyond what the slowest machine needs */
    test_wrong_build();
    test_probe();
    test_well_behaved();
    test_contract();
    test_stale_is_counted();
    test_cancel();
    test_room();
    test_output();
    test_news();
    test_deaths(sanitized);
    test_last_words();
    test_kill();
    test_flood();
    return checks_closed();
}
