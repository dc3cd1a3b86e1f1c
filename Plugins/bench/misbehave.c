#include "misbehave.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void flood(int64_t bytes) {
    char line[4096];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (long long number = 1; bytes > 0; number++) {
        int length = snprintf(line, sizeof line, "%lld", number);
        line[length] = ' '; /* in place of the end of the text */
        ssize_t written = write(STDOUT_FILENO, line, sizeof line);
        if (written <= 0) return;
        bytes -= written;
    }
}

/* Not optimised away: each call uses its room after the call that it makes. */
static int fall(int depth) {
    volatile char room[4096];
    room[0] = (char)depth;
    return depth == 0 ? room[0] : fall(depth - 1) + fall(depth - 2) + room[0];
}

static void *overflow(void *argument) {
    const spindle_request *request = argument;
    request->host->enter(request->ctx, request->handle);
    (void)fall(1 << 30);
    return NULL;
}

static void overflow_thread(const spindle_request *request) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, overflow, (void *)(size_t)request) == 0) pthread_join(thread, NULL);
}

static void say_last_words(void) { fprintf(stderr, "last words"); }

int misbehave(const spindle_request *request, int64_t bytes) {
    spindle_str target = request->target;
    if (spindle_str_is(target, "crash")) {
        say_last_words();
        return raise(SIGSEGV) == 0;
    }
    if (spindle_str_is(target, "abort")) {
        say_last_words();
        abort();
    }
    if (spindle_str_is(target, "exit")) {
        say_last_words();
        exit(0);
    }
    if (spindle_str_is(target, "loop")) {
        for (volatile int spin = 1; spin;) {}
    }
    if (spindle_str_is(target, "overflow")) {
        overflow_thread(request);
        return 1;
    }
    if (spindle_str_is(target, "flood")) {
        flood(bytes);
        return 1;
    }
    return 0;
}
