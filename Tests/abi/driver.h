/* The host's side of a worker, for tests: starts it, sends frames, waits for frames. */
#pragma once

#include <sys/types.h>

#include "SpindleWire.h"

typedef struct worker {
    pid_t pid; /* of init */
    int control, runner;
    spw_page *page;
    spw_input control_input, input;
    spw_frame frame; /* the last one */
} worker;

/* Counts a check; says what failed. */
#define CHECK(condition) check((condition) != 0, #condition, __FILE__, __LINE__)
int check(int passed, const char *what, const char *file, int line);
/* Prints the closing line; the status of the program. */
int checks_closed(void);

void worker_start(worker *worker, const char *program, const char *plugin);
/* In a sandbox; NULL = none. */
void worker_start_in(worker *worker, const char *program, const char *plugin, const spw_setup *setup);
void worker_send(worker *worker, uint16_t type, uint64_t handle, const void *message);
void worker_hello(worker *worker, uint32_t threads, uint64_t credit);
void worker_create(worker *worker, uint64_t token, const char *type);
void worker_run(worker *worker, uint64_t token, uint64_t instance, const char *target, const char *payload);
void worker_cancel(worker *worker, uint64_t token, uint32_t reason);
/* The next frame from the runner; 0 = it closed. */
int worker_next(worker *worker);
/* Skips frames until one of that type; 0 = it closed. */
int worker_await(worker *worker, uint16_t type);
/* The last frame's message. */
void worker_message(worker *worker, void *message, size_t size, spw_arena *arena);
/* Orders a signal. */
void worker_kill(worker *worker, int signal);
/* Waits until the runner's end is told and everything is gone; its wait status. */
int worker_end(worker *worker);
