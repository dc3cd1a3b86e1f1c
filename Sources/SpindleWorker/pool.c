/* The threads that read the socket and do the jobs, by turns. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runner.h"

static struct {
    pthread_mutex_t input_lock;
    spw_input *input;

    pthread_mutex_t lock;
    job *first, **end;
    uint32_t busy;    /* threads that do a job */
    uint32_t threads; /* how many may; there is one more, so that one always reads */

    int events; /* epoll: the socket, `wake` and the output's timer, edge-triggered, so that one edge wakes one thread */
    int wake;
} pool = { .input_lock = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER };

static void wake_another(void) {
    const uint64_t one = 1;
    while (write(pool.wake, &one, sizeof one) < 0 && errno == EINTR) {}
}

static void add(job *made) {
    pthread_mutex_lock(&pool.lock);
    *pool.end = made;
    pool.end = &made->next;
    pthread_mutex_unlock(&pool.lock);
}

/* What was read so far, as jobs. Anything that is not the protocol ends the worker: init reports it. */
static void handle_frames(void) {
    spw_frame frame;
    int status;
    while ((status = spw_input_next(pool.input, &frame)) == SPW_OK) {
        job *made = NULL;
        if (jobs_take(&frame, &made) != 0) _exit(68);
        if (made != NULL) add(made);
    }
    if (status != SPW_MORE) _exit(68);
}

/* All frames that are there. The lock is waited for, not tried: a thread that was woken by an edge while another was
 * about to stop reading must look itself, or the edge is lost. */
static void read_frames(void) {
    int drained = 0;
    pthread_mutex_lock(&pool.input_lock);
    handle_frames(); /* those that came with HELLO */
    while (!drained) {
        int status = spw_input_fill(pool.input, SPW_FD_RUNNER, &drained);
        if (status == SPW_CLOSED || status == SPW_E_IO) _exit(0); /* the host is gone, init ends the rest */
        if (status == SPW_E_MEMORY) _exit(67);
        handle_frames();
    }
    pthread_mutex_unlock(&pool.input_lock);
}

static job *next_job(void) {
    pthread_mutex_lock(&pool.lock);
    job *taken = pool.busy < pool.threads ? pool.first : NULL;
    int more = 0;
    if (taken != NULL) {
        pool.first = taken->next;
        if (pool.first == NULL) pool.end = &pool.first;
        pool.busy++;
        more = pool.first != NULL && pool.busy < pool.threads;
    }
    pthread_mutex_unlock(&pool.lock);
    /* One wakes the next, so that nobody is woken whose job is done by then. A job that only begins something is over
     * before another thread is there: that one comes with the timer, if the job takes longer than it should. */
    if (more && jobs_are_brief()) output_defer();
    else if (more) wake_another();
    return taken;
}

static void job_done(void) {
    pthread_mutex_lock(&pool.lock);
    pool.busy--;
    pthread_mutex_unlock(&pool.lock);
}

static void *take_turns(void *unused) {
    (void)unused;
    crash_prepare_thread();
    for (;;) {
        job *job;
        while ((job = next_job()) != NULL) {
            jobs_do(job);
            job_done();
        }
        output_flush();
        struct epoll_event event;
        int count = epoll_wait(pool.events, &event, 1, -1);
        if (count == 1 && event.data.fd == SPW_FD_RUNNER) read_frames();
        if (count == 1 && event.data.fd == output_timer()) output_timer_fired();
    }
    return NULL;
}

static int watch(int fd) {
    struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data = { .fd = fd } };
    return epoll_ctl(pool.events, EPOLL_CTL_ADD, fd, &event) == 0;
}

void pool_run(spw_input *input, uint32_t threads) {
    pool.input = input;
    pool.end = &pool.first;
    pool.threads = threads;
    pool.events = epoll_create1(EPOLL_CLOEXEC);
    pool.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pool.events < 0 || pool.wake < 0 || !watch(SPW_FD_RUNNER) || !watch(pool.wake)
        || !watch(output_timer())) {
        _exit(67);
    }
    read_frames(); /* what came with HELLO and has no edge any more */
    for (uint32_t i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, take_turns, NULL) != 0) _exit(67);
        pthread_detach(thread);
    }
    take_turns(NULL);
    _exit(0);
}
