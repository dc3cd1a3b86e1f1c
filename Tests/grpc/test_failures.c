/* Servers that are down, die in the middle or talk nonsense. */
#include "harness.h"

#include <signal.h>

/* Until the server has the call of that name. */
static void await_call(int port, const char *tag) {
    run_free(GO(plain, target(port, "See"), "tag", tag, "count", "1"));
}

static void test_down(void) {
    int port = 0;
    pid_t server = server_start(&port);
    struct run *run, *stream;
    settle_as(GO(plain, target(port, "GetOrder")), SPINDLE_SUCCESS, "", "up");
    run = run_new(plain, target(port, "Behave"));
    run_param(run, "hold", "true");
    run_param(run, "tag", "dies");
    run_execute(run);
    stream = run_new(plain, target(port, "Stream"));
    run_param(stream, "count", "3");
    run_param(stream, "hold", "true");
    run_param(stream, "tag", "streams");
    run_execute(stream);
    await_call(port, "dies");
    await_call(port, "streams");
    server_kill(server);
    run_wait(run);
    has(run->message, "UNAVAILABLE", "killed");
    settle_as(run, SPINDLE_RETRYABLE, "grpc.status.unavailable", "killed in the middle of a call");
    run_wait(stream);
    expect(stream, SPINDLE_RETRYABLE, "grpc.status.unavailable", "killed in the middle of a stream");
    begins("{}\n{\"index\":1}\n{\"index\":2}\n", stream->output);
    run_free(stream);
    run = GO(plain, target(port, "GetOrder"));
    CHECK(strcmp(run->message, "no connection to the server could be made") == 0, "%s", run->message);
    has(run->details, "Connection refused", "the reason");
    settle_as(run, SPINDLE_RETRYABLE, "grpc.connect", "down");
    settle_as(GO(plain, target(port, "GetOrder")), SPINDLE_RETRYABLE, "grpc.connect", "still down");
    /* Back on the same port: the next attempt has it, without a wait for the library's own backoff. */
    server = server_start(&port);
    settle_as(GO(plain, target(port, "GetOrder")), SPINDLE_SUCCESS, "", "up again");
    server_kill(server);
}

static void test_nonsense(void) {
    struct run *run = GO(plain, target(at.noise, "GetOrder"));
    CHECK(run->details != NULL && strstr(run->details, "\"reason\":\"") != NULL, "no reason");
    settle_as(run, SPINDLE_RETRYABLE, "grpc.connect", "bytes without sense");
    settle_as(GO(plain, target(at.http1, "GetOrder")), SPINDLE_RETRYABLE, "grpc.connect", "an HTTP/1.1 server");
    run = run_new(plain, target(at.silent, "GetOrder"));
    run->request.timeout_ms = 300;
    run_execute(run);
    run_wait(run);
    settle_as(run, SPINDLE_RETRYABLE, "grpc.timeout", "a server that accepts and says nothing");
    void *hasty = instance_with("{\"connectTimeoutMs\": 200}");
    settle_as(GO(hasty, target(at.silent, "GetOrder")), SPINDLE_RETRYABLE, "grpc.connect", "the same, by connectTimeoutMs");
    instance_end(hasty);
}

/* A server that is there, but does nothing any more; no deadline ends the call. */
static void test_frozen(void) {
    int port = 0;
    pid_t server = server_start(&port);
    void *watchful = instance_with("{\"keepaliveMs\": 10000}");
    struct run *run = run_new(watchful, target(port, "Behave"));
    run->request.timeout_ms = -1;
    run_param(run, "hold", "true");
    run_param(run, "tag", "frozen");
    run_execute(run);
    await_call(port, "frozen");
    kill(server, SIGSTOP);
    run_wait(run);
    settle_as(run, SPINDLE_RETRYABLE, "grpc.status.unavailable", "a frozen server");
    server_kill(server);
    instance_end(watchful);
}

void test_failures(int is_long) {
    test_down();
    test_nonsense();
    if (is_long) test_frozen(); /* half a minute, of which most is the library's */
}
