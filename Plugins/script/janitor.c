/* Handing over artefacts and removing a full directory may take seconds; the thread that drives the programs must not wait for
 * it. */
#include "supervisor.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct run *first;
    struct run **last;
    bool stop;
    pthread_t thread;
} the = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void tidy(struct run *run) {
    const spindle_request *request = run->request;
    const spindle_host *host = request->host;
    spindle_host_ctx *ctx = request->ctx;
    if (SPINDLE_OFFERS(host, enter)) (void)host->enter(ctx, request->handle);
    if (run->started && run->told_to_end == SPINDLE_CANCEL_NONE && run->problem.code[0] == 0 && run->home.artefacts != NULL) {
        artefacts_keep(run);
    }
    run->home_stays = !workdir_remove_tree(&run->home);
    result_send(run); /* the run is gone from here on */
    if (SPINDLE_OFFERS(host, enter)) (void)host->enter(ctx, 0);
}

static void *body(void *unused) {
    (void)unused;
    (void)pthread_mutex_lock(&the.lock);
    for (;;) {
        struct run *run = the.first;
        if (run == NULL && the.stop) break;
        if (run == NULL) {
            (void)pthread_cond_wait(&the.changed, &the.lock);
            continue;
        }
        the.first = run->next;
        if (the.first == NULL) the.last = &the.first;
        (void)pthread_mutex_unlock(&the.lock);
        tidy(run);
        (void)pthread_mutex_lock(&the.lock);
    }
    (void)pthread_mutex_unlock(&the.lock);
    return NULL;
}

int janitor_start(void) {
    the.stop = false;
    the.first = NULL;
    the.last = &the.first;
    return start_thread(&the.thread, "script-tidy", body);
}

void janitor_take(struct run *run) {
    (void)pthread_mutex_lock(&the.lock);
    run->next = NULL;
    *the.last = run;
    the.last = &run->next;
    (void)pthread_cond_signal(&the.changed);
    (void)pthread_mutex_unlock(&the.lock);
}

void janitor_stop(void) {
    (void)pthread_mutex_lock(&the.lock);
    the.stop = true;
    (void)pthread_cond_signal(&the.changed);
    (void)pthread_mutex_unlock(&the.lock);
    (void)pthread_join(the.thread, NULL);
}

static bool shall_not_wait(struct run *run) {
    return the.stop || atomic_load(&run->asked_to_end);
}

bool janitor_wait_for_room(struct run *run) {
    bool room;
    (void)pthread_mutex_lock(&the.lock);
    while (!run->room && !shall_not_wait(run)) (void)pthread_cond_wait(&the.changed, &the.lock);
    room = run->room;
    run->room = false;
    (void)pthread_mutex_unlock(&the.lock);
    return room;
}

void janitor_has_room(struct run *run) {
    (void)pthread_mutex_lock(&the.lock);
    run->room = true;
    (void)pthread_cond_signal(&the.changed);
    (void)pthread_mutex_unlock(&the.lock);
}

void janitor_look_up(void) {
    (void)pthread_mutex_lock(&the.lock);
    (void)pthread_cond_signal(&the.changed);
    (void)pthread_mutex_unlock(&the.lock);
}
