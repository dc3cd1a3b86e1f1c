/* The broker is killed, and comes back, in the middle of a load: what ended as a success is in the queue. */
#include <unistd.h>

#include "harness.h"

#define AT_ONCE 64

static struct {
    int next, total, succeeded, retried, wrong;
    char *confirmed; /* by number of the job */
    void *instance;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} load = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* As a host would: the same job again as long as it may work later. */
static void *worker(void *unused) {
    (void)unused;
    for (;;) {
        char id[16];
        int number, ended = 0;
        pthread_mutex_lock(&load.lock);
        number = load.next < load.total ? load.next++ : -1;
        pthread_mutex_unlock(&load.lock);
        if (number < 0) return NULL;
        snprintf(id, sizeof id, "%d", number);
        while (!ended) {
            struct run *run = GO(load.instance, "rabbitmq:main//load", "MessageId", id);
            pthread_mutex_lock(&load.lock);
            ended = run->outcome != SPINDLE_RETRYABLE;
            if (run->outcome == SPINDLE_SUCCESS) {
                load.confirmed[number] = 1;
                load.succeeded++;
                pthread_cond_broadcast(&load.changed);
            } else if (run->outcome == SPINDLE_RETRYABLE) {
                load.retried++;
            } else {
                load.wrong++;
                printf("job %d: %s %s\n", number, run->code, run->message);
            }
            pthread_mutex_unlock(&load.lock);
            run_free(run);
        }
    }
}

void test_restart(void) {
    pthread_t threads[AT_ONCE];
    int i, arrived = 0, lost = 0, twice = 0;
    char *seen;
    amqp_message_t m;
    load.total = quick ? 2000 : 10000;
    load.confirmed = calloc((size_t)load.total, 1);
    seen = calloc((size_t)load.total, 1);
    load.instance = instance_on(broker_port, "\"maxReconnectDelayMs\":500");
    observer_queue("load", 0);
    observer_close();
    for (i = 0; i < AT_ONCE; i++) pthread_create(&threads[i], NULL, worker, NULL);
    pthread_mutex_lock(&load.lock);
    while (load.succeeded < load.total / 4) pthread_cond_wait(&load.changed, &load.lock);
    pthread_mutex_unlock(&load.lock);
    broker_command("kill");
    broker_command("run");
    broker_command("wait");
    for (i = 0; i < AT_ONCE; i++) pthread_join(threads[i], NULL);
    observer_connect(broker_port);
    while (observer_get("load", &m)) {
        char text[16];
        snprintf(text, sizeof text, "%.*s", (int)m.properties.message_id.len, (char *)m.properties.message_id.bytes);
        i = atoi(text);
        if (i >= 0 && i < load.total) {
            if (seen[i]) twice++;
            seen[i] = 1;
        }
        arrived++;
        amqp_destroy_message(&m);
    }
    for (i = 0; i < load.total; i++) {
        if (load.confirmed[i] && !seen[i]) lost++;
    }
    printf("restart: %d jobs, %d retried attempts, %d messages arrived, %d of them twice, %d confirmed ones lost\n", load.total,
           load.retried, arrived, twice, lost);
    CHECK(load.succeeded == load.total && load.wrong == 0, "%d of %d, %d wrong", load.succeeded, load.total, load.wrong);
    CHECK(lost == 0, "%d", lost);
    CHECK(load.retried > 0, "nothing was under way when the broker was killed");
    CHECK(arrived - twice == load.total, "%d", arrived - twice);
    rabbitmq->destroy(load.instance);
    free(load.confirmed);
    free(seen);
}
