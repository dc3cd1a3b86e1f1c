/*
 * The plugin's stdout and stderr, a line at a time. With one attempt open at a time its lines are its own, and they are
 * told before it completes; otherwise they go to the plugin's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runner.h"

enum {
    LINE_MAX_BYTES = 16 * 1024,
    DRAIN_MAX_BYTES = 256 * 1024, /* a pipe holds less; another thread of the plugin may fill it without end */
};

typedef struct stream {
    int fd;
    int end;         /* ours of the pipe's other ends, wherever the plugin's 1 and 2 lead */
    uint32_t number; /* SPW_STREAM_* */
    size_t length;
    char line[LINE_MAX_BYTES];
} stream;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static stream streams[2] = { { .fd = -1, .end = -1, .number = SPW_STREAM_STDOUT },
                             { .fd = -1, .end = -1, .number = SPW_STREAM_STDERR } };
static spw_session *session;
static uint64_t owner;
static _Atomic int untold; /* threads that have read, or are about to, and have not told it */
static _Atomic int is_dying;

static void tell_line(stream *stream) {
    spw_session_line(session, owner, stream->number, (spw_bytes){ stream->line, stream->length });
    stream->length = 0;
}

static void take(stream *stream, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            if (stream->length > 0 || !atomic_load(&is_dying)) tell_line(stream);
        } else {
            stream->line[stream->length++] = text[i];
            if (stream->length == LINE_MAX_BYTES) tell_line(stream);
        }
    }
}

/* Reads what is there; under the lock. */
static void drain(stream *stream, size_t limit) {
    char text[8192];
    ssize_t got;
    for (size_t sum = 0; sum < limit && (got = read(stream->fd, text, sizeof text)) != 0; sum += (size_t)got) {
        if (got < 0) break; /* EAGAIN: nothing there */
        take(stream, text, (size_t)got);
        if ((size_t)got < sizeof text) break;
    }
}

void capture_belongs_to(uint64_t token) {
    pthread_mutex_lock(&lock);
    owner = token;
    pthread_mutex_unlock(&lock);
}

/* What stdio still holds; unless another thread is inside it, whom to wait for would be to block. */
static void flush_stdio(FILE *file) {
    if (ftrylockfile(file) != 0) return;
    fflush_unlocked(file);
    funlockfile(file);
}

void capture_drain(void) {
    struct pollfd fds[2] = { { .fd = streams[0].fd, .events = POLLIN }, { .fd = streams[1].fd, .events = POLLIN } };
    flush_stdio(stdout);
    int ready = poll(fds, 2, 0);
    atomic_fetch_add(&untold, 1);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 2; i++) {
        if (ready > 0 && (fds[i].revents & POLLIN) != 0) drain(&streams[i], DRAIN_MAX_BYTES);
        if (streams[i].length > 0) tell_line(&streams[i]);
    }
    if (owner != 0) spw_session_lines_end(session, owner);
    pthread_mutex_unlock(&lock);
    atomic_fetch_sub(&untold, 1);
}

/* In a handler of signals: no lock, no memory. The newline wakes the thread that reads. */
void capture_last_words(void) {
    if (session == NULL) return;
    atomic_store(&is_dying, 1);
    for (int i = 0; i < 2; i++) {
        struct pollfd fd = { .fd = streams[i].end, .events = POLLOUT };
        if (poll(&fd, 1, 0) != 1 || (fd.revents & POLLOUT) == 0) continue; /* full: whoever reads is awake, or never will be */
        ssize_t written = write(streams[i].end, "\n", 1);
        (void)written;
    }
}

int capture_is_told(void) {
    if (session == NULL) return 1; /* nobody reads yet */
    for (int i = 0; i < 2; i++) {
        int waiting = 0;
        if (ioctl(streams[i].fd, FIONREAD, &waiting) == 0 && waiting > 0) return 0;
    }
    return atomic_load(&untold) == 0;
}

static void *read_always(void *unused) {
    (void)unused;
    crash_prepare_thread();
    for (;;) {
        struct pollfd fds[2] = { { .fd = streams[0].fd, .events = POLLIN }, { .fd = streams[1].fd, .events = POLLIN } };
        if (poll(fds, 2, -1) < 0) continue;
        atomic_fetch_add(&untold, 1);
        pthread_mutex_lock(&lock);
        for (int i = 0; i < 2; i++) {
            if ((fds[i].revents & POLLIN) != 0) drain(&streams[i], DRAIN_MAX_BYTES);
        }
        if (owner != 0 && atomic_load(&is_dying)) spw_session_lines_end(session, owner);
        pthread_mutex_unlock(&lock);
        output_kick();
        atomic_fetch_sub(&untold, 1);
    }
    return NULL;
}

/* A pipe whose write end is descriptor `target`, which programs that the plugin starts inherit. */
static int replace(int target, stream *stream) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return 0;
    if (dup2(ends[1], target) != target) return 0;
    stream->fd = ends[0];
    stream->end = ends[1];
    return 1;
}

int capture_prepare(void) {
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) != STDIN_FILENO) return 0;
    close(null);
    if (!replace(STDOUT_FILENO, &streams[0]) || !replace(STDERR_FILENO, &streams[1])) return 0;
    /* Before the plugin can use them: a pipe would be buffered in blocks. */
    return setvbuf(stdout, NULL, _IOLBF, 0) == 0 && setvbuf(stderr, NULL, _IONBF, 0) == 0;
}

void capture_start(spw_session *of) {
    pthread_t thread;
    session = of;
    if (pthread_create(&thread, NULL, read_always, NULL) != 0) _exit(67);
    pthread_detach(thread);
}
