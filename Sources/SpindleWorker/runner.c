/* The runner's start: its descriptors, HELLO, then the pool. */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "init.h"

static void fail(const char *code, const char *message) __attribute__((noreturn));
static void fail(const char *code, const char *message) {
    const spw_failed failed = { { code, strlen(code) }, { message, strlen(message) } };
    output_add(SPW_FAILED, 0, &failed, CREDIT_NONE);
    output_finish();
    _exit(0);
}

/* The first frame, whatever else came with it stays in the input. */
static void read_hello(spw_input *input, spw_frame *frame) {
    int status;
    while ((status = spw_input_next(input, frame)) == SPW_MORE) {
        int drained;
        status = spw_input_fill(input, SPW_FD_RUNNER, &drained);
        if (status == SPW_MORE) {
            struct pollfd fd = { .fd = SPW_FD_RUNNER, .events = POLLIN };
            poll(&fd, 1, -1);
        } else if (status != SPW_OK) {
            _exit(0); /* the host changed its mind */
        }
    }
    if (status != SPW_OK || frame->type != SPW_HELLO) fail("spindle.protocol", "the first frame is not HELLO");
}

static void check_build(const spw_hello *hello) {
    char message[256];
    const char *mine = spw_build_id();
    if (hello->build_id.len == strlen(mine) && memcmp(hello->build_id.ptr, mine, hello->build_id.len) == 0) return;
    snprintf(message, sizeof message, "host and worker are of different builds: the host speaks %.*s, the worker %s",
             (int)(hello->build_id.len < 100 ? hello->build_id.len : 100),
             hello->build_id.len > 0 ? (const char *)hello->build_id.ptr : "", mine);
    fail("spindle.protocol", message);
}

void runner_main(int number) {
    spw_input input = { 0 };
    spw_frame frame;
    spw_hello hello;
    spw_arena arena = { 0 };
    prctl(PR_SET_NAME, "spindle-runner");
    spw_page *page = spw_page_map(SPW_FD_PAGE);
    if (page == NULL || fcntl(SPW_FD_RUNNER, F_SETFL, O_NONBLOCK) != 0 || !capture_prepare()) _exit(66);
    close(SPW_FD_PAGE);
    crash_install(page);
    atexit(crash_await_last_words); /* before the plugin's own: it runs after them */
    output_start();
    read_hello(&input, &frame);
    if (spw_decode(&frame, &hello, sizeof hello, &arena) != SPW_OK) {
        fail("spindle.protocol", "HELLO cannot be read: host and worker are of different builds");
    }
    check_build(&hello);
    uint32_t threads = hello.threads < 1 ? 1 : hello.threads > SPW_THREADS_MAX ? SPW_THREADS_MAX : hello.threads;
    output_credit(hello.log_credit, hello.artefact_credit);
    int ready = jobs_hello(&hello, page, number);
    spw_arena_free(&arena);
    if (!ready) {
        output_finish();
        _exit(0);
    }
    output_flush();
    pool_run(&input, threads);
}
