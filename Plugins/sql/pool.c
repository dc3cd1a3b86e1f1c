#include "pool.h"

#include <time.h>

#include "canceller.h"
#include "run.h"

int64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool pool_create(struct pool *pool, const struct connection_settings *settings, const struct keeper *keeper, SQLHENV environment) {
    pthread_condattr_t attributes;
    memset(pool, 0, sizeof *pool);
    pool->settings = settings;
    pool->keeper = keeper;
    pool->environment = environment;
    if (pthread_mutex_init(&pool->lock, NULL) != 0) return false;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&pool->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    pool->has_canceller = canceller_start(pool);
    if (pool->has_canceller) return true;
    (void)pthread_cond_destroy(&pool->changed);
    (void)pthread_mutex_destroy(&pool->lock);
    return false;
}

void pool_destroy(struct pool *pool) {
    canceller_stop(pool);
    while (pool->idle != NULL) {
        struct connection *next = pool->idle->next;
        connection_close(pool->idle);
        pool->idle = next;
    }
    (void)pthread_cond_destroy(&pool->changed);
    (void)pthread_mutex_destroy(&pool->lock);
}

void pool_wake(struct pool *pool) {
    (void)pthread_mutex_lock(&pool->lock);
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* Under the lock. A place for a connection: an idle one in *found, or the right to open one. False: the run shall end. */
static bool wait_for_place(struct pool *pool, struct run *run, struct connection **found) {
    for (;;) {
        *found = pool->idle;
        if (*found != NULL) {
            pool->idle = (*found)->next;
            return true;
        }
        if (run == NULL || pool->open < pool->settings->pool) {
            pool->open++;
            return true;
        }
        if (run_reason(run) != 0) return false;
        (void)pthread_cond_wait(&pool->changed, &pool->lock);
    }
}

static void leave_place(struct pool *pool) {
    (void)pthread_mutex_lock(&pool->lock);
    pool->open--;
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* A server that went away meanwhile is found here, where nothing is lost by it. */
static bool still_works(const struct pool *pool, struct connection *connection) {
    int64_t idle_ms = (now_ns() - connection->idle_since_ns) / 1000000;
    struct problem problem;
    bool good;
    memset(&problem, 0, sizeof problem);
    if (connection_is_dead(connection)) return false;
    if (pool->settings->idle_timeout_ms > 0 && idle_ms > pool->settings->idle_timeout_ms) return false;
    if (idle_ms < pool->settings->idle_check_ms) return true;
    good = connection_run(connection, pool->settings->check, &problem) &&
           SQL_SUCCEEDED(SQLEndTran(SQL_HANDLE_DBC, connection->dbc, SQL_ROLLBACK));
    problem_free(&problem);
    return good;
}

struct connection *pool_take(struct pool *pool, struct run *run, struct problem *problem) {
    struct connection *connection;
    bool place;
    for (;;) {
        (void)pthread_mutex_lock(&pool->lock);
        place = wait_for_place(pool, run, &connection);
        (void)pthread_mutex_unlock(&pool->lock);
        if (!place) return NULL;
        if (connection == NULL) break;
        if (still_works(pool, connection)) return connection;
        connection_close(connection);
        leave_place(pool);
    }
    connection = connection_open(pool->environment, pool->settings, pool->keeper, pool->settings->connect_timeout_ms, problem);
    if (connection == NULL) leave_place(pool);
    return connection;
}

void pool_give(struct pool *pool, struct connection *connection) {
    bool surplus;
    if (!connection->broken && !connection->autocommit &&
        !SQL_SUCCEEDED(SQLEndTran(SQL_HANDLE_DBC, connection->dbc, SQL_ROLLBACK))) {
        connection->broken = true;
    }
    (void)pthread_mutex_lock(&pool->lock);
    surplus = connection->broken || pool->open > pool->settings->pool;
    if (surplus) {
        pool->open--;
    } else {
        connection->idle_since_ns = now_ns();
        connection->next = pool->idle;
        pool->idle = connection;
    }
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->lock);
    if (surplus) connection_close(connection);
}
