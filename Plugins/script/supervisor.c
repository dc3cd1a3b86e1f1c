#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS 64
#define STARTS_AT_ONCE 8 /* so that a burst of starts does not delay a cancel */

static struct {
    pthread_mutex_t lock;
    bool running;         /* under the lock, like the queue and `stop` */
    bool stop;
    struct run *first;
    struct run **last;
    pthread_t thread;
    atomic_int wake;      /* eventfd; -1 = none */
    /* The thread's own: */
    int epoll;
    struct run *active;
} the = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = -1, .epoll = -1 };

static void wake(void) {
    uint64_t one = 1;
    int fd = atomic_load(&the.wake);
    if (fd >= 0) (void)!write(fd, &one, sizeof one);
}

void supervisor_wake_for_cancel(void) {
    wake();
    janitor_look_up();
}

/* The event sits in the low bits of the pointer: memory of malloc is aligned to 16. */
bool supervisor_watch(struct run *run, int fd, enum event event) {
    struct epoll_event entry;
    memset(&entry, 0, sizeof entry);
    entry.events = event == EVENT_INPUT ? EPOLLOUT : EPOLLIN;
    entry.data.u64 = (uint64_t)(uintptr_t)run | (uint64_t)event;
    return epoll_ctl(the.epoll, EPOLL_CTL_ADD, fd, &entry) == 0;
}

void supervisor_close(int *fd) {
    if (*fd < 0) return;
    (void)epoll_ctl(the.epoll, EPOLL_CTL_DEL, *fd, NULL);
    (void)close(*fd);
    *fd = -1;
}

/* A crash on this thread is blamed on the attempt that it works for. */
static void enter(const struct run *run) {
    const spindle_request *request = run->request;
    if (SPINDLE_OFFERS(request->host, enter)) (void)request->host->enter(request->ctx, request->handle);
}

static void leave(const spindle_host *host, spindle_host_ctx *ctx) {
    if (SPINDLE_OFFERS(host, enter)) (void)host->enter(ctx, 0);
}

static void send(struct run *run) {
    const spindle_host *host = run->request->host;
    spindle_host_ctx *ctx = run->request->ctx;
    if (!workdir_remove_empty(&run->home)) {
        janitor_take(run);
        return;
    }
    enter(run);
    result_send(run); /* the run is gone from here on */
    leave(host, ctx);
}

/* Takes up to `most` from the queue and starts them. *stop: the thread shall end. True: there are more. */
static bool start_some(int most, bool *stop) {
    for (; most > 0; most--) {
        struct run *run;
        (void)pthread_mutex_lock(&the.lock);
        *stop = the.stop;
        run = the.first;
        if (run != NULL) {
            the.first = run->next;
            if (the.first == NULL) the.last = &the.first;
        }
        (void)pthread_mutex_unlock(&the.lock);
        if (run == NULL) return false;
        if (*stop) run_ask_to_end(run, SPINDLE_CANCEL_SHUTDOWN, 0);
        enter(run);
        run_start(run);
        leave(run->request->host, run->request->ctx);
        run->next = the.active;
        the.active = run;
    }
    return true;
}

/* Looks at every run. Returns the milliseconds until the next one is due, -1 = none is. */
static int step_all(bool stop) {
    struct run **link = &the.active;
    struct run *done = NULL;
    int64_t now = now_ns();
    int64_t next = -1, wait;
    while (*link != NULL) {
        struct run *run = *link;
        int64_t due;
        if (stop && !run->done && run->told_to_end == SPINDLE_CANCEL_NONE) {
            run_ask_to_end(run, SPINDLE_CANCEL_SHUTDOWN, 0);
        }
        enter(run);
        run_step(run, now);
        leave(run->request->host, run->request->ctx);
        if (run->done) {
            *link = run->next;
            run->next = done;
            done = run;
            continue;
        }
        due = run_next_ns(run, now);
        if (due >= 0 && (next < 0 || due < next)) next = due;
        link = &run->next;
    }
    while (done != NULL) {
        struct run *run = done;
        done = run->next;
        send(run);
    }
    if (next < 0) return -1;
    wait = (next - now_ns()) / 1000000 + 1;
    return wait < 0 ? 0 : wait > 60000 ? 60000 : (int)wait;
}

static void drain_wake(void) {
    uint64_t count;
    (void)!read(atomic_load(&the.wake), &count, sizeof count);
}

static void *body(void *unused) {
    struct epoll_event events[EVENTS];
    int timeout = -1;
    bool stop = false, more;
    (void)unused;
    for (;;) {
        int64_t now;
        int count = epoll_wait(the.epoll, events, EVENTS, timeout), i;
        now = now_ns();
        for (i = 0; i < count; i++) {
            struct run *run = (struct run *)(uintptr_t)(events[i].data.u64 & ~UINT64_C(7));
            if (run == NULL) {
                drain_wake();
                continue;
            }
            enter(run);
            run_event(run, (enum event)(events[i].data.u64 & 7), now);
            leave(run->request->host, run->request->ctx);
        }
        more = start_some(STARTS_AT_ONCE, &stop);
        if (more) wake();
        /* After the events: nobody in this batch of events is freed before it was looked at. */
        timeout = step_all(stop);
        if (stop && !more && the.active == NULL) return NULL;
    }
}

int start_thread(pthread_t *thread, const char *name, void *(*thread_body)(void *)) {
    static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };
    sigset_t blocked, before;
    size_t i;
    int error;
    (void)sigfillset(&blocked);
    for (i = 0; i < sizeof faults / sizeof *faults; i++) (void)sigdelset(&blocked, faults[i]);
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
    error = pthread_create(thread, NULL, thread_body, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) (void)pthread_setname_np(*thread, name);
    return error;
}

/* Under the lock. */
static int start_supervisor(void) {
    struct epoll_event entry;
    int error = 0;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    memset(&entry, 0, sizeof entry);
    entry.events = EPOLLIN;
    the.epoll = epoll_create1(EPOLL_CLOEXEC);
    the.last = &the.first;
    the.stop = false;
    if (fd < 0 || the.epoll < 0 || epoll_ctl(the.epoll, EPOLL_CTL_ADD, fd, &entry) != 0) error = errno;
    atomic_store(&the.wake, fd);
    if (error == 0) error = janitor_start();
    if (error == 0) {
        error = start_thread(&the.thread, "script", body);
        if (error != 0) janitor_stop();
    }
    the.running = error == 0;
    if (error != 0) {
        atomic_store(&the.wake, -1);
        if (fd >= 0) (void)close(fd);
        if (the.epoll >= 0) (void)close(the.epoll);
        the.epoll = -1;
    }
    return error;
}

int supervisor_submit(struct run *run, struct problem *problem) {
    int error = 0;
    (void)pthread_mutex_lock(&the.lock);
    if (!the.running) error = start_supervisor();
    if (error == 0) {
        run->next = NULL;
        *the.last = run;
        the.last = &run->next;
    }
    (void)pthread_mutex_unlock(&the.lock);
    if (error != 0) {
        (void)problem_set(problem, "script.spawn", NULL, "no thread to run programs: %s", strerror(error));
        problem->outcome = SPINDLE_RETRYABLE;
        return -1;
    }
    wake();
    return 0;
}

void supervisor_stop(void) {
    bool running;
    (void)pthread_mutex_lock(&the.lock);
    running = the.running;
    the.running = false;
    the.stop = true;
    (void)pthread_mutex_unlock(&the.lock);
    if (!running) return;
    wake();
    (void)pthread_join(the.thread, NULL);
    janitor_stop();
    (void)close(atomic_exchange(&the.wake, -1));
    (void)close(the.epoll);
    the.epoll = -1;
}
