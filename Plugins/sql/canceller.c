#include "canceller.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "run.h"

/* A request that comes between two calls of the driver stops nothing: it is made again after so long. */
#define AGAIN_NS INT64_C(300000000)

/* MariaDB lets a user stop only what runs as that user, and a routine runs as its definer. */
static void complain(const struct run *run, const struct problem *problem) {
    char line[sizeof problem->message + 200];
    (void)snprintf(line, sizeof line, "the server was not made to stop the statement: %s%s", problem->message,
                   run->connection->system == SYSTEM_MARIADB ? "; grant CONNECTION ADMIN, or let the routine have SQL SECURITY INVOKER" : "");
    spindle_log(run->request, SPINDLE_LOG_WARNING, line);
}

/* By a second connection, which is what a server listens to while the first one is busy. */
static void ask_server(const struct run *run) {
    const struct pool *pool = run->pool;
    int64_t timeout_ms = pool->settings->connect_timeout_ms < 5000 ? pool->settings->connect_timeout_ms : 5000;
    struct problem problem;
    struct connection *second;
    char sql[96];
    memset(&problem, 0, sizeof problem);
    (void)snprintf(sql, sizeof sql, run->connection->system == SYSTEM_MARIADB ? "KILL QUERY %s" : "SELECT pg_cancel_backend(%s)",
                   run->connection->server_id);
    second = connection_open(pool->environment, pool->settings, pool->keeper, timeout_ms, &problem);
    if (second != NULL) {
        (void)connection_run(second, sql, &problem);
        connection_close(second);
    }
    /* It is tried again; the log has the first reason only. */
    if (problem.code[0] != 0 && run->stops == 0) complain(run, &problem);
    problem_free(&problem);
}

static void stop_statement(const struct run *run) {
    switch (run->connection->system) {
    /* SQLCancel of its driver frees what the other thread reads, and connects without TLS. */
    case SYSTEM_MARIADB: ask_server(run); return;
    /* SQLCancel of its driver does nothing while rows are fetched, and goes by a connection without TLS. */
    case SYSTEM_POSTGRESQL:
        if (run->stops > 0 || json_object_get(run->pool->settings->json, "tls") != NULL) ask_server(run);
        else (void)SQLCancel(run->cancel_handle);
        return;
    default: (void)SQLCancel(run->cancel_handle); return;
    }
}

/* Under the lock: one that is to be stopped now, or NULL and when to look again (-1: when something changes). */
static struct run *next_due(struct pool *pool, int64_t *when) {
    int64_t now = now_ns();
    struct run *run;
    *when = -1;
    for (run = pool->watched; run != NULL; run = run->next) {
        int64_t due = run->deadline_ns;
        if (run_reason(run) == 0 && due >= 0 && now >= due) run_ask_to_end(run, RUN_TIME_IS_UP);
        if (run_reason(run) != 0) due = run->stop_again_ns;
        if (run_reason(run) != 0 && now >= due) return run;
        if (due >= 0 && (*when < 0 || due < *when)) *when = due;
    }
    return NULL;
}

static void *work(void *opaque) {
    struct pool *pool = opaque;
    (void)pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        int64_t when;
        struct run *run = next_due(pool, &when);
        struct timespec until = { when / 1000000000, when % 1000000000 };
        if (run == NULL) {
            if (when < 0) (void)pthread_cond_wait(&pool->changed, &pool->lock);
            else (void)pthread_cond_timedwait(&pool->changed, &pool->lock, &until);
            continue;
        }
        run->is_being_stopped = true;
        (void)pthread_mutex_unlock(&pool->lock);
        stop_statement(run);
        (void)pthread_mutex_lock(&pool->lock);
        run->is_being_stopped = false;
        run->stops++;
        run->stop_again_ns = now_ns() + AGAIN_NS;
        (void)pthread_cond_broadcast(&pool->changed);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

bool canceller_start(struct pool *pool) {
    sigset_t all, before;
    int status;
    /* Signals are the host's affair, on its own threads. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&pool->canceller, NULL, work, pool);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0;
}

void canceller_stop(struct pool *pool) {
    (void)pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->lock);
    (void)pthread_join(pool->canceller, NULL);
}

void canceller_watch(struct run *run) {
    struct pool *pool = run->pool;
    (void)pthread_mutex_lock(&pool->lock);
    run->next = pool->watched;
    pool->watched = run;
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->lock);
}

void canceller_forget(struct run *run) {
    struct pool *pool = run->pool;
    struct run **link;
    (void)pthread_mutex_lock(&pool->lock);
    while (run->is_being_stopped) (void)pthread_cond_wait(&pool->changed, &pool->lock);
    for (link = &pool->watched; *link != NULL; link = &(*link)->next) {
        if (*link != run) continue;
        *link = run->next;
        break;
    }
    (void)pthread_mutex_unlock(&pool->lock);
}
