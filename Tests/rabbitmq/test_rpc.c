/* Requests and their replies. */
#include "harness.h"

void test_rpc(void) {
    void *instance = instance_on(broker_port, "");
    struct run *runs[100], *run;
    struct proxy *proxy;
    char body[100][24];
    int i, taken;
    responder_start(broker_port);
    observer_exchange("ask", "fanout");
    observer_bind("requests", "ask", "");
    run = GO(instance, "rabbitmq:main//requests", "Mode", "rpc", "Body", "echo");
    EXPECT(run, SPINDLE_SUCCESS, "", "");
    CHECK(strcmp(run->output, "echo") == 0 && strcmp(run->content_type, "text/plain") == 0, "%s %s", run->output, run->content_type);
    CHECK(strcmp(run_metadata(run, "reply.header.took"), "42") == 0, "%s", run_metadata(run, "reply.header.took"));
    CHECK(strcmp(run_metadata(run, "reply.header.by"), "responder") == 0, "%s", run_metadata(run, "reply.header.by"));
    CHECK(strcmp(run_metadata(run, "reply.type"), "answer") == 0, "%s", run_metadata(run, "reply.type"));
    CHECK(strcmp(run_metadata(run, "reply.bytes"), "4") == 0, "%s", run_metadata(run, "reply.bytes"));
    run_free(run);
    /* Many at once, through two exchanges: each gets its own. */
    for (i = 0; i < 100; i++) {
        snprintf(body[i], sizeof body[i], "request %d", i);
        runs[i] = START(instance, i % 2 == 0 ? "rabbitmq:main//requests" : "rabbitmq:main/ask/", "Mode", "rpc", "Body", body[i]);
    }
    for (i = 0; i < 100; i++) {
        run_wait(runs[i]);
        EXPECT(runs[i], SPINDLE_SUCCESS, "", "");
        CHECK(runs[i]->output != NULL && strcmp(runs[i]->output, body[i]) == 0, "%s: %s", body[i], runs[i]->output);
        run_free(runs[i]);
    }
    QUICK(instance, "rabbitmq:main//requests", SPINDLE_PERMANENT, "rabbitmq.reply.too_large", "3000000 bytes", "Mode", "rpc", "Body", "huge");
    QUICK(instance, "rabbitmq:main//nobody", SPINDLE_PERMANENT, "rabbitmq.unroutable", "nobody", "Mode", "rpc");
    QUICK(instance, "rabbitmq:main/missing/", SPINDLE_PERMANENT, "rabbitmq.exchange", "missing", "Mode", "rpc");
    for (i = 0; i < 2; i++) {
        run = run_new(instance, "rabbitmq:main//requests");
        run->request.timeout_ms = 400;
        run_param(run, "Mode", "rpc");
        run_param(run, "Body", i == 0 ? "none" : "wrong");
        run_execute(run);
        run_wait(run);
        EXPECT(run, SPINDLE_RETRYABLE, "rabbitmq.timeout", "no reply came in time; the request was published; it may be carried out");
        run_free(run);
    }
    /* The channel that replies come to does not suffer from others' faults. */
    taken = 105;
    run = START(instance, "rabbitmq:main//requests", "Mode", "rpc", "Body", "none");
    responder_wait(taken);
    QUICK(instance, "rabbitmq:main/missing/", SPINDLE_PERMANENT, "rabbitmq.exchange", "missing");
    CHECK(!run_ended(run), "%s", run->message);
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_wait(run);
    EXPECT(run, SPINDLE_CANCELLED, "rabbitmq.cancelled", "the request was published; it may be carried out");
    run_free(run);
    rabbitmq->destroy(instance);
    /* The connection breaks while the reply is awaited. */
    proxy = proxy_start(PROXY_FORWARD, broker_port);
    instance = instance_on(proxy_port(proxy), "");
    run = START(instance, "rabbitmq:main//requests", "Mode", "rpc", "Body", "none");
    responder_wait(taken + 1);
    QUICK(instance, "rabbitmq:main//requests", SPINDLE_SUCCESS, "", "", "Mode", "rpc", "Body", "the confirm of the first one came before this");
    proxy_cut(proxy);
    run_wait(run);
    EXPECT(run, SPINDLE_RETRYABLE, "rabbitmq.connection", "the request was published, but its reply cannot come any more");
    run_free(run);
    rabbitmq->destroy(instance);
    proxy_stop(proxy);
    responder_stop();
    observer_delete_exchange("ask");
    observer_delete_queue("requests");
}
