#include "driver.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int passed, failed;

int check(int ok, const char *what, const char *file, int line) {
    if (ok) {
        passed++;
    } else {
        failed++;
        fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    }
    return ok;
}

int checks_closed(void) {
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

static void must(int ok, const char *what) {
    if (ok) return;
    perror(what);
    exit(2);
}

/* The plugin's bytes in a sealed memfd, as the host passes them. */
static int load_file(const char *path) {
    char buffer[65536];
    ssize_t got;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = memfd_create("plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    must(from >= 0 && to >= 0, path);
    while ((got = read(from, buffer, sizeof buffer)) > 0) must(write(to, buffer, (size_t)got) == got, "write");
    must(fcntl(to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0, "seal");
    close(from);
    return to;
}

void worker_start(worker *worker, const char *program, const char *plugin) {
    worker_start_in(worker, program, plugin, NULL);
}

void worker_start_in(worker *worker, const char *program, const char *plugin, const spw_setup *setup) {
    int control[2], runner[2], page;
    memset(worker, 0, sizeof *worker);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) == 0, "socketpair");
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, runner) == 0, "socketpair");
    worker->page = spw_page_create(&page);
    must(worker->page != NULL, "page");
    int memory = load_file(plugin);
    worker->pid = fork();
    must(worker->pid >= 0, "fork");
    if (worker->pid == 0) {
        /* Out of the way first, because the targets may be among the sources. */
        int from[4] = { fcntl(control[1], F_DUPFD, 100), fcntl(runner[1], F_DUPFD, 100), fcntl(memory, F_DUPFD, 100),
                        fcntl(page, F_DUPFD, 100) };
        for (int i = 0; i < 4; i++) dup2(from[i], SPW_FD_CONTROL + i);
        execl(program, program, setup == NULL ? NULL : "--sandbox", (char *)NULL);
        perror(program);
        _exit(127);
    }
    close(control[1]);
    close(runner[1]);
    close(memory);
    close(page);
    worker->control = control[0];
    worker->runner = runner[0];
    if (setup == NULL) return;
    spw_buffer buffer = { 0 };
    must(spw_encode(&buffer, SPW_SETUP, 0, 0, setup) == SPW_OK, "encode");
    (void)spw_write(worker->control, &buffer, 0);
    spw_buffer_free(&buffer);
}

void worker_send(worker *worker, uint16_t type, uint64_t handle, const void *message) {
    spw_buffer buffer = { 0 };
    must(spw_encode(&buffer, type, 0, handle, message) == SPW_OK, "encode");
    (void)spw_write(worker->runner, &buffer, 0); /* a worker that died shows by its end */
    spw_buffer_free(&buffer);
}

void worker_hello(worker *worker, uint32_t threads, uint64_t credit) {
    const spw_hello hello = { .build_id = { spw_build_id(), strlen(spw_build_id()) }, .digest = { "digest", 6 },
                              .threads = threads, .log_level = 0, .log_credit = credit, .artefact_credit = credit };
    worker_send(worker, SPW_HELLO, 0, &hello);
}

static spw_bytes bytes(const char *text) { return (spw_bytes){ text, text == NULL ? 0 : strlen(text) }; }

void worker_create(worker *worker, uint64_t token, const char *type) {
    const spw_kv secret = { { "password", 8 }, { "opensesame", 10 } };
    const spw_create create = { .uses = bytes(type), .secrets = { &secret, 1 } };
    worker_send(worker, SPW_CREATE, token, &create);
    if (!worker_await(worker, SPW_CREATED)) return;
    spw_answer answer;
    spw_arena arena = { 0 };
    worker_message(worker, &answer, sizeof answer, &arena);
    CHECK(answer.status == 0);
    spw_arena_free(&arena);
}

void worker_run(worker *worker, uint64_t token, uint64_t instance, const char *target, const char *payload) {
    const spw_start start = { .instance = instance, .attempt = 1, .timeout_ms = -1, .deadline_mono_ns = -1,
                              .max_failures = -1, .target = bytes(target), .payload = bytes(payload) };
    worker_send(worker, SPW_START, token, &start);
}

void worker_cancel(worker *worker, uint64_t token, uint32_t reason) {
    const spw_cancel cancel = { reason, 1000 };
    worker_send(worker, SPW_CANCEL, token, &cancel);
}

static int next(int fd, spw_input *input, spw_frame *frame) {
    int status, drained;
    while ((status = spw_input_next(input, frame)) == SPW_MORE) {
        if (spw_input_fill(input, fd, &drained) != SPW_OK) return 0;
    }
    must(status == SPW_OK, "the worker sent nonsense");
    return 1;
}

int worker_next(worker *worker) { return next(worker->runner, &worker->input, &worker->frame); }

int worker_await(worker *worker, uint16_t type) {
    while (worker_next(worker)) {
        if (worker->frame.type == type) return 1;
        if (worker->frame.type == SPW_FAILED) {
            spw_failed failure;
            spw_arena arena = { 0 };
            worker_message(worker, &failure, sizeof failure, &arena);
            fprintf(stderr, "FAILED: %.*s\n", (int)failure.message.len, (const char *)failure.message.ptr);
        }
    }
    return 0;
}

void worker_message(worker *worker, void *message, size_t size, spw_arena *arena) {
    must(spw_decode(&worker->frame, message, size, arena) == SPW_OK, "decode");
}

void worker_kill(worker *worker, int signal) {
    spw_buffer buffer = { 0 };
    const spw_kill order = { (uint32_t)signal };
    spw_encode(&buffer, SPW_KILL, 0, 0, &order);
    (void)spw_write(worker->control, &buffer, 0);
    spw_buffer_free(&buffer);
}

int worker_end(worker *worker) {
    spw_frame frame;
    int status = -1;
    while (next(worker->control, &worker->control_input, &frame)) {
        spw_exited exited;
        spw_arena arena = { 0 };
        if (frame.type != SPW_EXITED) continue;
        must(spw_decode(&frame, &exited, sizeof exited, &arena) == SPW_OK, "decode");
        if (exited.is_runner) status = (int)exited.wait_status;
    }
    waitpid(worker->pid, NULL, 0);
    close(worker->control);
    close(worker->runner);
    spw_input_free(&worker->control_input);
    spw_input_free(&worker->input);
    spw_page_unmap(worker->page);
    worker->page = NULL;
    return status;
}
