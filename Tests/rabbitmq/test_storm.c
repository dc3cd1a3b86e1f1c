/* Jobs that are cancelled at any moment, on a connection that breaks again and again. Nothing may be lost, hang, or be touched
 * after its end: the sanitizers look on. */
#include "harness.h"

#define THREADS 16

static struct {
    pthread_mutex_t lock;
    int next, total, succeeded, cancelled, retryable;
    char *confirmed;
    void *instance;
    struct proxy *proxy;
} storm = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *work(void *number) {
    unsigned seed = (unsigned)(size_t)number;
    static const char *const targets[] = {"rabbitmq:main//storm", "rabbitmq:main/storm-fan/", "rabbitmq:main/storm-missing/"};
    static char large[200000];
    for (;;) {
        struct run *run;
        char id[16];
        int job, kind = rand_r(&seed) % 100;
        pthread_mutex_lock(&storm.lock);
        job = storm.next < storm.total ? storm.next++ : -1;
        if (job > 0 && job % 250 == 0) proxy_cut(storm.proxy);
        pthread_mutex_unlock(&storm.lock);
        if (job < 0) return NULL;
        snprintf(id, sizeof id, "%d", job);
        run = run_new(storm.instance, targets[kind < 45 ? 0 : kind < 95 ? 1 : 2]);
        run_param(run, "MessageId", id);
        if (kind % 7 == 0) run->request.payload = spindle_str_make(large, sizeof large);
        run->grace_ms = kind % 3 * 20;
        run_execute(run);
        if (rand_r(&seed) % 2 == 0) {
            int turns;
            for (turns = rand_r(&seed) % 2000; turns > 0 && !run_ended(run); turns--) {
            }
            run_cancel(run, rand_r(&seed) % 4 == 0 ? SPINDLE_CANCEL_TIMEOUT : SPINDLE_CANCEL_USER);
        }
        run_wait(run);
        pthread_mutex_lock(&storm.lock);
        if (run->outcome == SPINDLE_SUCCESS) {
            storm.succeeded++;
            storm.confirmed[job] = 1;
        } else if (run->outcome == SPINDLE_CANCELLED) {
            storm.cancelled++;
        } else if (run->outcome == SPINDLE_RETRYABLE) {
            storm.retryable++;
        } else {
            CHECK(strcmp(run->code, "rabbitmq.exchange") == 0 && kind >= 95, "%s %s", run->code, run->message);
        }
        pthread_mutex_unlock(&storm.lock);
        run_free(run);
    }
}

void test_storm(void) {
    pthread_t threads[THREADS];
    amqp_message_t m;
    int i, lost = 0;
    observer_queue("storm", 0);
    observer_exchange("storm-fan", "fanout");
    observer_bind("storm", "storm-fan", "");
    storm.total = quick ? 2000 : 10000;
    storm.confirmed = calloc((size_t)storm.total, 1);
    storm.proxy = proxy_start(PROXY_FORWARD, broker_port);
    storm.instance = instance_on(proxy_port(storm.proxy), "\"maxReconnectDelayMs\":100");
    for (i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)(size_t)i);
    for (i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    QUICK(storm.instance, "rabbitmq:main//storm", SPINDLE_SUCCESS, "", "", "MessageId", "last");
    rabbitmq->destroy(storm.instance);
    proxy_stop(storm.proxy);
    while (observer_get("storm", &m)) {
        char id[16];
        snprintf(id, sizeof id, "%.*s", (int)m.properties.message_id.len, (char *)m.properties.message_id.bytes);
        if (atoi(id) < storm.total && strcmp(id, "last") != 0) storm.confirmed[atoi(id)] = 0;
        amqp_destroy_message(&m);
    }
    for (i = 0; i < storm.total; i++) lost += storm.confirmed[i];
    printf("storm: %d jobs, %d succeeded, %d cancelled, %d to be retried, %d confirmed ones lost\n", storm.total, storm.succeeded,
           storm.cancelled, storm.retryable, lost);
    CHECK(lost == 0, "%d", lost);
    CHECK(storm.succeeded > 0 && storm.cancelled > 0, "%d, %d", storm.succeeded, storm.cancelled);
    free(storm.confirmed);
    observer_delete_exchange("storm-fan");
    observer_delete_queue("storm");
}
