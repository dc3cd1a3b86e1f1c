/*
 * Tests of the gauges of the plugin `bench`: what is proved with them is worth as much as their counting. With storms of threads,
 * processes and kills, all bounded by a semaphore or by the number of processes that are let live.
 *
 * Usage: test_gauge DIRECTORY ROUNDS
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../Plugins/bench/gauge.h"
#include "../http/check.h"

int passed, failed;

static const char *directory;
static int rounds;

static spindle_str specification(const char *file, const char *gauges, char room[PATH_MAX]) {
    int length = snprintf(room, PATH_MAX, "%s/%s:%s", directory, file, gauges);
    return spindle_str_make(room, (size_t)length);
}

static gauge_cell *enter(const char *file, const char *gauges) {
    char room[PATH_MAX];
    return gauge_enter(specification(file, gauges, room));
}

static int32_t highest(const char *file, int gauge) {
    char path[PATH_MAX];
    int32_t values[GAUGE_COUNT] = {0};
    snprintf(path, sizeof path, "%s/%s", directory, file);
    int number = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = number < 0 ? -1 : pread(number, values, sizeof values, 16);
    if (number >= 0) close(number);
    return got == sizeof values ? values[gauge] : -1;
}

/* Runs a test in a process of its own: a process uses one table. */
static void apart(void (*test)(void)) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        passed = failed = 0;
        alarm(600); /* one that waits for ever has failed too */
        test();
        fflush(stdout);
        _exit(failed == 0 ? passed : 255);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    if (WIFEXITED(status) && WEXITSTATUS(status) != 255) {
        passed += WEXITSTATUS(status);
    } else {
        failed++;
        printf("FAILED: a test ended with wait status %d\n", status);
    }
}

static void malformed(void) {
    CHECK(highest("one", 0) == -1, "no file yet");
    const char *wrong[] = {"", "x", "64", "1,64", "1 2", "1,,2", ":", "1x", "-1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(enter("wrong", wrong[i]) == NULL, "\"%s\" was taken", wrong[i]);
    }
    CHECK(gauge_enter(spindle_str_from_cstr("nogauges")) == NULL, "without a colon");
    CHECK(gauge_enter(spindle_str_from_cstr("/nonexistent/file:1")) == NULL, "in no directory");
    gauge_cell *cell = enter("one", "0,63");
    CHECK(cell != NULL && highest("one", 0) == 1 && highest("one", 63) == 1 && highest("one", 1) == 0, "of one");
    CHECK(enter("another", "0") == NULL, "a second table in one process");
    gauge_cell *second = enter("one", "63,5");
    gauge_leave(cell);
    gauge_cell *third = enter("one", "0,63");
    CHECK(highest("one", 0) == 1 && highest("one", 63) == 2 && highest("one", 5) == 1, "%d", highest("one", 63));
    gauge_leave(second);
    gauge_leave(third);
}

static void full(void) {
    static gauge_cell *cells[GAUGE_CELLS];
    for (int i = 0; i < GAUGE_CELLS; i++) cells[i] = enter("full", "7");
    CHECK(cells[GAUGE_CELLS - 1] != NULL && highest("full", 7) == GAUGE_CELLS, "%d", highest("full", 7));
    CHECK(enter("full", "7") == NULL, "more than there is room for");
    for (int i = 0; i < GAUGE_CELLS; i++) gauge_leave(cells[i]);
    CHECK(enter("full", "7") != NULL, "room again");
}

/* MARK: Threads */

static sem_t slots;
static atomic_int failures;

static void *storm(void *argument) {
    unsigned seed = (unsigned)(size_t)argument;
    for (int i = 0; i < 200 * rounds; i++) {
        sem_wait(&slots);
        gauge_cell *cell = enter("threads", i % 3 == 0 ? "0,1" : "0");
        if (cell == NULL) {
            failures++;
        } else {
            if (rand_r(&seed) % 4 == 0) sched_yield();
            gauge_leave(cell);
        }
        sem_post(&slots);
    }
    return NULL;
}

static void threads(void) {
    pthread_t all[8];
    sem_init(&slots, 0, 3);
    for (size_t i = 0; i < 8; i++) pthread_create(&all[i], NULL, storm, (void *)(i + 1));
    for (size_t i = 0; i < 8; i++) pthread_join(all[i], NULL);
    CHECK(failures == 0, "%d were turned away", failures);
    CHECK(highest("threads", 0) <= 3 && highest("threads", 1) <= 3, "%d", highest("threads", 0));
    CHECK(highest("threads", 0) >= 1, "none was counted");
}

/* MARK: Processes */

/* A process that is inside the gauges when this returns. */
static pid_t inside(const char *file, const char *gauges) {
    int ends[2];
    char byte = 0;
    if (pipe(ends) != 0) return -1;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (enter(file, gauges) != NULL) (void)!write(ends[1], "I", 1);
        close(ends[1]);
        for (;;) pause();
    }
    close(ends[1]);
    ssize_t got = read(ends[0], &byte, 1);
    close(ends[0]);
    return got == 1 ? pid : -1;
}

static void end(pid_t pid) {
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

static void the_dead(void) {
    pid_t first[3], second[3];
    for (int i = 0; i < 3; i++) first[i] = inside("dead", "2");
    CHECK(highest("dead", 2) == 3, "%d", highest("dead", 2));
    for (int i = 0; i < 2; i++) end(first[i]);
    for (int i = 0; i < 2; i++) second[i] = inside("dead", "2");
    CHECK(highest("dead", 2) == 3, "the dead were counted: %d", highest("dead", 2));
    second[2] = inside("dead", "2");
    CHECK(highest("dead", 2) == 4, "%d", highest("dead", 2));
    end(first[2]);
    for (int i = 0; i < 3; i++) end(second[i]);
}

/* Enters and leaves until it is killed. */
static pid_t restless(void) {
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            gauge_cell *cell = enter("killed", "0");
            if (cell == NULL) _exit(1);
            gauge_leave(cell);
        }
    }
    return pid;
}

/* Kills at any moment, also while one holds the lock: nobody waits for ever, and the count never passes those that are alive. */
static void killed(void) {
    enum { ALIVE = 4 };
    pid_t alive[ALIVE];
    unsigned seed = 1;
    int broken = 0;
    for (int i = 0; i < ALIVE; i++) alive[i] = restless();
    for (int i = 0; i < 20 * rounds; i++) {
        struct timespec moment = {0, rand_r(&seed) % 2000000};
        int status = 0, which = rand_r(&seed) % ALIVE;
        nanosleep(&moment, NULL);
        kill(alive[which], SIGKILL);
        while (waitpid(alive[which], &status, 0) < 0 && errno == EINTR) {}
        if (!WIFSIGNALED(status)) broken++;
        alive[which] = restless();
    }
    for (int i = 0; i < ALIVE; i++) end(alive[i]);
    CHECK(broken == 0, "%d could not enter", broken);
    CHECK(highest("killed", 0) >= 1 && highest("killed", 0) <= ALIVE, "%d", highest("killed", 0));
    gauge_cell *after = enter("killed", "1");
    CHECK(after != NULL && highest("killed", 1) == 1, "the table was left in disorder");
}

int main(int count, char **arguments) {
    if (count != 3 || (rounds = atoi(arguments[2])) < 1) {
        fprintf(stderr, "usage: test_gauge DIRECTORY ROUNDS\n");
        return 2;
    }
    directory = arguments[1];
    apart(malformed);
    apart(full);
    apart(threads);
    apart(the_dead);
    apart(killed);
    return REPORT();
}
