/*
 * How fast a worker and a session are: bench WORKER PLUGIN. Both processes run on one CPU for the round trip, the way
 * the ceilings in the docs were measured; the rest uses what there is.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "SpindleSession.h"
#include "driver.h"
#include "spindle/executor.h"

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static char payload[257];

static void round_trips(const char *program, const char *plugin, const char *type, int count) {
    worker worker;
    int64_t *times = calloc((size_t)count, sizeof *times);
    worker_start(&worker, program, plugin);
    worker_hello(&worker, 1, 1 << 20);
    worker_await(&worker, SPW_READY);
    worker_create(&worker, 1, type);
    for (int i = 0; i < count; i++) {
        int64_t start = now_ns();
        worker_run(&worker, 100, 1, NULL, payload);
        worker_await(&worker, SPW_RELEASED);
        times[i] = now_ns() - start;
    }
    qsort(times, (size_t)count, sizeof *times, compare);
    printf("round trip, 256 B, one CPU, %s: p50 %.1f us, p99 %.1f us\n", type, (double)times[count / 2] / 1000,
           (double)times[count * 99 / 100] / 1000);
    free(times);
    worker_send(&worker, SPW_SHUTDOWN, 0, NULL);
    worker_end(&worker);
}

/* `open` calls in flight, started and answered in batches. */
static void throughput(const char *program, const char *plugin, const char *cpus, int open, int count) {
    worker worker;
    spw_buffer out = { 0 };
    int started = 0, ended = 0;
    worker_start(&worker, program, plugin);
    worker_hello(&worker, 2, 1 << 20);
    worker_await(&worker, SPW_READY);
    worker_create(&worker, 1, "many");
    const spw_start start = { .instance = 1, .attempt = 1, .payload = { payload, 256 } };
    int64_t begin = now_ns();
    while (ended < count) {
        while (started < count && started - ended < open) {
            spw_encode(&out, SPW_START, 0, 100 + (uint64_t)started++, &start);
        }
        spw_write(worker.runner, &out, 0);
        do {
            if (!worker_next(&worker)) return;
            ended += worker.frame.type == SPW_RELEASED;
        } while (worker.input.length > 0);
    }
    double seconds = (double)(now_ns() - begin) / 1e9;
    printf("calls a second, 256 B, %d in flight, %s: %.0f\n", open, cpus, count / seconds);
    spw_buffer_free(&out);
    worker_send(&worker, SPW_SHUTDOWN, 0, NULL);
    worker_end(&worker);
}

/* ---- A session in this process. ------------------------------------------------------------------------------------- */

static int releases;
static void completed(void *context, uint64_t token, const spw_completed *result) {
    (void)context, (void)token, (void)result;
}
static void released(void *context, uint64_t token, const spw_released *news, int32_t gathers) {
    (void)context, (void)token, (void)news, (void)gathers;
    releases++;
}

static spindle_status nothing(void *instance, spindle_handle attempt, const spindle_request *request) {
    (void)instance, (void)attempt;
    return spindle_succeed(request, request->payload, NULL);
}
static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = "nothing", .execute = nothing };
static const spindle_executor_descriptor *const kinds[] = { &kind };
static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1,
                                                  .executors = kinds, .plugin_id = "bench", .plugin_version = "1" };

static void session_calls(int count) {
    char message[256];
    spw_answer answer;
    spw_arena arena = { 0 };
    const spw_output output = { .completed = completed, .released = released };
    spw_session *session = spw_session_open_factory(&factory, &output, NULL, message, sizeof message);
    const spw_create create = { .uses = { "nothing", 7 } };
    const spw_start start = { .instance = 1, .attempt = 1, .payload = { payload, 256 } };
    spw_session_init(session, "1", &answer, &arena);
    spw_session_create(session, 1, &create, &answer, &arena);
    int64_t begin = now_ns();
    for (int i = 0; i < count; i++) spw_session_run(session, spw_session_accept(session, 2, &start));
    printf("session, a whole call in process: %.0f ns\n", (double)(now_ns() - begin) / count);
    if (releases != count) printf("session: %d of %d released\n", releases, count);
    spw_session_close(session);
    spw_arena_free(&arena);
}

int main(int argc, char **argv) {
    if (argc < 3) return 64;
    int count = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 50000;
    cpu_set_t all;
    setvbuf(stdout, NULL, _IOLBF, 0);
    memset(payload, 'x', 256);
    sched_getaffinity(0, sizeof all, &all);
    session_calls(count * 20);
    throughput(argv[1], argv[2], "all CPUs", 64, count * 10);
    pin(0);
    round_trips(argv[1], argv[2], "echo", count);
    round_trips(argv[1], argv[2], "async", count);
    throughput(argv[1], argv[2], "one CPU", 64, count * 10);
    return 0;
}
