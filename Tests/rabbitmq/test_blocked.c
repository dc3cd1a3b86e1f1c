/* A broker that is short of memory and blocks publishers. */
#include "harness.h"

void test_blocked(void) {
    void *instance = instance_on(broker_port, "");
    struct run *runs[12], *late, *small;
    char *large = calloc(1, 1048576);
    int i;
    observer_queue("plain", 0);
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_SUCCESS, "", "");
    broker_command("ctl set_vm_memory_high_watermark 0");
    for (i = 0; i < 12; i++) {
        runs[i] = run_new(instance, "rabbitmq:main//plain");
        runs[i]->request.payload = spindle_str_make(large, 1048576);
        run_execute(runs[i]);
    }
    run_wait_note(runs[11]);
    CHECK(strstr(runs[11]->note, "the broker blocks publishers (low on memory)") != NULL, "%s", runs[11]->note);
    /* One that comes now says so at once, and its time runs. */
    late = START(instance, "rabbitmq:main//plain");
    CHECK(strstr(late->note, "low on memory") != NULL, "%s", late->note);
    run_cancel(late, SPINDLE_CANCEL_USER);
    run_wait(late);
    EXPECT(late, SPINDLE_CANCELLED, "rabbitmq.cancelled", "the message was not sent");
    run_free(late);
    small = run_new(instance, "rabbitmq:main//plain");
    small->request.timeout_ms = 300;
    run_execute(small);
    run_wait(small);
    EXPECT(small, SPINDLE_RETRYABLE, "rabbitmq.timeout", "the broker blocks publishers (low on memory); the message was not sent");
    run_free(small);
    broker_command("ctl set_vm_memory_high_watermark 0.6");
    for (i = 0; i < 12; i++) {
        run_wait(runs[i]);
        EXPECT(runs[i], SPINDLE_SUCCESS, "", "");
        run_free(runs[i]);
    }
    CHECK(observer_count("plain") == 13, "%d", observer_count("plain"));
    observer_queue("plain", 0);
    rabbitmq->destroy(instance);
    free(large);
}
