/*
 * Frames to the host. Whoever has something queues it; one thread at a time writes. With few attempts open the thread
 * that completes writes at once, with many the writer thread gathers what comes, so that one system call carries many:
 * each write wakes a thread here and one in the host, which costs more than what most attempts do.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static spw_buffer queued;
static spw_buffer sending; /* owned by whoever set `writing` */
static int writing;
static int kicked;
static int writer_sleeps;
static int64_t credit_left[3];
static int timer = -1;
static int timer_runs;
static int64_t written_ns; /* when something was written last */

enum { DEFER_NS = 1000 * 1000 };

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void output_credit(uint64_t log_bytes, uint64_t artefact_bytes) {
    pthread_mutex_lock(&lock);
    credit_left[CREDIT_LOG] += (int64_t)log_bytes;
    credit_left[CREDIT_ARTEFACT] += (int64_t)artefact_bytes;
    pthread_mutex_unlock(&lock);
}

int output_add(uint16_t type, uint64_t handle, const void *message, int credit) {
    int added = 1;
    int may_refuse = credit == CREDIT_LOG || credit == CREDIT_ARTEFACT;
    pthread_mutex_lock(&lock);
    size_t before = queued.length;
    if (may_refuse && credit_left[credit] <= (int64_t)SPW_HEADER_SIZE) {
        added = 0; /* without the work of encoding: this is the way of a flood */
    } else if (spw_encode(&queued, type, 0, handle, message) != SPW_OK) {
        /* Every message is bounded below a frame, so there is no memory. A lost completion would be a lie; the end of
         * this process is something that the host can deal with. */
        if (!may_refuse) _exit(67);
        added = 0;
    } else if (credit == CREDIT_LOG_AHEAD) {
        credit_left[CREDIT_LOG] -= (int64_t)(queued.length - before);
    } else if (may_refuse) {
        int64_t size = (int64_t)(queued.length - before);
        if (size > credit_left[credit]) {
            queued.length = before;
            added = 0;
        } else {
            credit_left[credit] -= size;
        }
    }
    pthread_mutex_unlock(&lock);
    return added;
}

/* Under the lock, with `writing` set by the caller. SPW_MORE: the socket is full and `sending` holds the rest. */
static int write_queued(int dont_wait) {
    int status = SPW_OK;
    while (status == SPW_OK && (sending.length > 0 || queued.length > 0)) {
        if (sending.length == 0) {
            spw_buffer empty = sending;
            sending = queued;
            queued = empty;
        }
        pthread_mutex_unlock(&lock);
        status = spw_write(SPW_FD_RUNNER, &sending, dont_wait);
        pthread_mutex_lock(&lock);
        written_ns = now_ns();
    }
    if (status == SPW_CLOSED || status == SPW_E_IO) _exit(0); /* the host is gone */
    return status;
}

static void wake_writer(void) {
    kicked = 1;
    if (writer_sleeps) pthread_cond_signal(&work);
}

void output_flush(void) {
    pthread_mutex_lock(&lock);
    if (!writing && (queued.length > 0 || sending.length > 0)) {
        writing = 1;
        int status = write_queued(1);
        writing = 0;
        /* Nothing is left for the writer; a kick that stayed set would swallow the next one. */
        if (status == SPW_MORE) wake_writer();
        else kicked = 0;
    }
    pthread_mutex_unlock(&lock);
}

void output_kick(void) {
    pthread_mutex_lock(&lock);
    if (!writing && !kicked) wake_writer();
    pthread_mutex_unlock(&lock);
}

void output_defer(void) {
    const struct itimerspec once = { .it_value = { .tv_nsec = DEFER_NS } };
    pthread_mutex_lock(&lock);
    if (!timer_runs) timer_runs = timerfd_settime(timer, 0, &once, NULL) == 0;
    int runs = timer_runs;
    pthread_mutex_unlock(&lock);
    if (!runs) output_flush();
}

void output_timer_fired(void) {
    pthread_mutex_lock(&lock);
    timer_runs = 0;
    pthread_mutex_unlock(&lock);
    output_flush();
}

int output_timer(void) { return timer; }

/* Under the lock, which is given up meanwhile. Whoever kicks the writer now need not wake it. */
static void keep_gap(void) {
    int64_t left = written_ns + SPW_GATHER_NS - now_ns();
    if (left <= 0 || jobs_are_few()) return;
    const struct timespec pause = { .tv_nsec = left < SPW_GATHER_NS ? left : SPW_GATHER_NS };
    pthread_mutex_unlock(&lock);
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&lock);
}

static void *write_in_batches(void *unused) {
    (void)unused;
    crash_prepare_thread();
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!kicked || writing) {
            writer_sleeps = 1;
            pthread_cond_wait(&work, &lock);
            writer_sleeps = 0;
        }
        keep_gap();
        if (!kicked || writing) continue; /* another thread did it */
        kicked = 0;
        writing = 1;
        int status = write_queued(1);
        if (status == SPW_MORE) {
            pthread_mutex_unlock(&lock);
            struct pollfd fd = { .fd = SPW_FD_RUNNER, .events = POLLOUT };
            poll(&fd, 1, -1);
            pthread_mutex_lock(&lock);
            kicked = 1;
        }
        writing = 0;
    }
    return NULL;
}

void output_start(void) {
    pthread_t thread;
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0) _exit(67);
    if (pthread_create(&thread, NULL, write_in_batches, NULL) != 0) _exit(67);
    pthread_detach(thread);
}

int output_is_written(void) {
    if (pthread_mutex_trylock(&lock) != 0) return 0;
    int written = !writing && queued.length == 0 && sending.length == 0;
    pthread_mutex_unlock(&lock);
    return written;
}

void output_finish(void) {
    for (;;) {
        output_flush();
        pthread_mutex_lock(&lock);
        int done = !writing && queued.length == 0 && sending.length == 0;
        pthread_mutex_unlock(&lock);
        if (done) return;
        struct pollfd fd = { .fd = SPW_FD_RUNNER, .events = POLLOUT };
        poll(&fd, 1, 10);
    }
}
