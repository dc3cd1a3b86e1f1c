/* Messages of a queue become submissions; what becomes of the messages. */
#include <unistd.h>

#include "fake_trigger.h"
#include "harness.h"

static const spindle_executor_descriptor *kind;

static void *trigger_on(int port, const char *members) {
    char config[2048];
    spindle_status status;
    void *instance;
    snprintf(config, sizeof config,
             "{\"connection\":{\"host\":\"localhost\",\"port\":%d,\"maxReconnectDelayMs\":300},\"queue\":\"front\",\"retryDelayMs\":50,%s}", port,
             members);
    instance = fake_create(config, &status);
    CHECK(instance != NULL, "%s: %s", config, fake_last_error);
    if (instance == NULL) exit(1);
    return instance;
}

static struct run *open_trigger(void *instance) {
    struct run *run = run_new(instance, "");
    run->request.timeout_ms = -1;
    run->grace_ms = 60000;
    run_execute(run);
    CHECK(run->returned == SPINDLE_PENDING, "%d", run->returned);
    return run;
}

static void close_trigger(struct run *run, void *instance) {
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_wait(run);
    EXPECT(run, SPINDLE_CANCELLED, "rabbitmq.cancelled", "stopped");
    run_free(run);
    kind->destroy(instance);
}

/* A message with a key, a body, and one header. */
static void send(const char *id, const char *body, const char *header, const char *value) {
    amqp_table_entry_t entry = {amqp_cstring_bytes(header), {AMQP_FIELD_KIND_UTF8, {0}}};
    amqp_basic_properties_t p = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG,
                                 .delivery_mode = 2, .priority = 3};
    p.content_type = amqp_cstring_bytes("text/plain");
    entry.value.value.bytes = amqp_cstring_bytes(value);
    p.headers.num_entries = 1;
    p.headers.entries = &entry;
    if (header[0] != '\0') p._flags |= AMQP_BASIC_HEADERS_FLAG;
    p.message_id = amqp_cstring_bytes(id);
    if (id[0] != '\0') p._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
    observer_publish("front", &p, body);
}

/* Waits for what only the broker knows: that a message went to the queue of dead letters. */
static void wait_dead(int count) {
    while (observer_count("dead") < count) usleep(20000);
}

static void fresh(void) {
    observer_dead_letters("front", "dead");
    fake_trigger_reset();
}

static void fixed(void) {
    void *instance = trigger_on(broker_port, "\"type\":\"http\",\"target\":\"https://example.org/\",\"jobName\":\"front\","
                                             "\"parameters\":{\"Method\":\"POST\"},\"parameterHeaders\":{\"shop\":\"Header_Shop\",\"m\":\"Method\"}");
    struct run *run;
    const struct taken *job;
    fresh();
    send("id-1", "hello", "shop", "north");
    run = open_trigger(instance);
    fake_trigger_wait(1);
    job = fake_trigger_job(0);
    CHECK(strcmp(job->type, "http") == 0 && strcmp(job->target, "https://example.org/") == 0, "%s %s", job->type, job->target);
    CHECK(strcmp(job->job_name, "front") == 0 && strcmp(job->key, "id-1") == 0 && job->priority == 3, "%s %s", job->job_name, job->key);
    CHECK(strcmp(job->payload, "hello") == 0 && strcmp(job->content_type, "text/plain") == 0, "%s %s", job->payload, job->content_type);
    CHECK(strcmp(job->parameters, "Method=POST;Header_Shop=north;") == 0, "%s", job->parameters);
    /* What is fixed cannot be changed by a message; one without an id has no key. */
    send("", "hello", "m", "DELETE");
    send("id-3", "x", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    send("a\xff", "x", "", "");
    send("a\xfe", "x", "", "");
    fake_trigger_wait(5);
    CHECK(strcmp(fake_trigger_job(3)->key, "61ff") == 0 && strcmp(fake_trigger_job(4)->key, "61fe") == 0, "%s", fake_trigger_job(3)->key);
    CHECK(strcmp(fake_trigger_job(1)->parameters, "Method=POST;") == 0, "%s", fake_trigger_job(1)->parameters);
    CHECK(fake_trigger_job(1)->key[0] == '\0', "%s", fake_trigger_job(1)->key);
    CHECK(strncmp(fake_trigger_job(2)->traceparent, "00-0af", 6) == 0, "%s", fake_trigger_job(2)->traceparent);
    run_wait_note(run);
    CHECK(strcmp(run->note, "consuming queue \"front\"") == 0, "%s", run->note);
    close_trigger(run, instance);
    CHECK(observer_count("front") == 0 && observer_count("dead") == 0, "%d %d", observer_count("front"), observer_count("dead"));
}

static void chosen(void) {
    void *instance = trigger_on(broker_port, "\"typeHeader\":\"job\",\"types\":[\"http\",\"script\"],\"target\":\"https://fixed/\","
                                             "\"targetHeader\":\"to\",\"targets\":[\"https://example.org/*\"]");
    struct run *run;
    fresh();
    run = open_trigger(instance);
    send("a", "1", "job", "script");
    send("b", "2", "job", "sql");
    send("c", "3", "to", "https://example.org/x");
    send("d", "4", "to", "http://169.254.169.254/");
    send("e", "5", "", "");
    fake_trigger_wait(3);
    wait_dead(2);
    CHECK(strcmp(fake_trigger_job(0)->type, "script") == 0 && strcmp(fake_trigger_job(0)->target, "https://fixed/") == 0, "a");
    CHECK(fake_trigger_job(1)->type[0] == '\0' && strcmp(fake_trigger_job(1)->target, "https://example.org/x") == 0, "c");
    CHECK(strcmp(fake_trigger_job(2)->target, "https://fixed/") == 0, "e");
    CHECK(strstr(fake_last_log, "message \"d\" of queue \"front\" was put aside: it names a target") != NULL, "%s", fake_last_log);
    close_trigger(run, instance);
    CHECK(fake_trigger_count() == 3, "%d", fake_trigger_count());
}

static void bodies(void) {
    void *instance = trigger_on(broker_port, "\"type\":\"t\",\"parameters\":{\"fixed\":\"f\"},\"body\":\"parameters\","
                                             "\"bodyParameters\":[\"count\",\"opt_*\",\"FIXED\"]");
    struct run *run;
    char *large;
    fresh();
    run = open_trigger(instance);
    send("a", "{\"count\":0.1,\"opt_a\":\"x\",\"opt_b\":{\"y\":[1,null]},\"FIXED\":\"other\"}", "", "");
    send("b", "{\"other\":1}", "", "");
    send("c", "[1]", "", "");
    send("d", "not JSON", "", "");
    fake_trigger_wait(1);
    wait_dead(3);
    CHECK(strcmp(fake_trigger_job(0)->parameters, "fixed=f;count=0.1;opt_a=x;opt_b={\"y\":[1,null]};") == 0, "%s",
          fake_trigger_job(0)->parameters);
    CHECK(fake_trigger_job(0)->payload[0] == '\0', "%s", fake_trigger_job(0)->payload);
    close_trigger(run, instance);
    instance = trigger_on(broker_port, "\"type\":\"t\"");
    fresh();
    run = open_trigger(instance);
    large = malloc(1048578);
    memset(large, 'z', 1048577);
    large[1048577] = '\0';
    send("too-large", large, "", "");
    large[1048576] = '\0';
    send("largest", large, "", "");
    fake_trigger_wait(1);
    wait_dead(1);
    CHECK(fake_trigger_job(0)->payload_length == 1048576, "%zu", fake_trigger_job(0)->payload_length);
    free(large);
    close_trigger(run, instance);
}

static void answers(void) {
    void *instance = trigger_on(broker_port, "\"type\":\"t\",\"prefetch\":3");
    struct run *run;
    int i;
    fresh();
    run = open_trigger(instance);
    send("r", "refuse", "", "");
    send("b", "busy", "", "");
    send("g", "again", "", "");
    fake_trigger_wait(2); /* both, the second time */
    wait_dead(1);
    /* No more than the prefetch is on its way. */
    for (i = 0; i < 8; i++) {
        char id[8];
        snprintf(id, sizeof id, "h%d", i);
        send(id, "hold", "", "");
    }
    fake_trigger_wait_held(3);
    CHECK(fake_trigger_count() == 5, "%d", fake_trigger_count());
    /* It stops: those that wait for an answer are waited for, the others stay in the queue. */
    run_cancel(run, SPINDLE_CANCEL_SHUTDOWN);
    CHECK(!run_ended(run), "ended");
    fake_trigger_let_go();
    run_wait(run);
    EXPECT(run, SPINDLE_CANCELLED, "rabbitmq.cancelled", "stopped");
    run_free(run);
    while (observer_count("front") < 5) usleep(20000);
    CHECK(observer_count("front") == 5, "%d", observer_count("front"));
    CHECK(fake_trigger_count() == 5, "%d", fake_trigger_count());
    /* One that is not answered within the grace goes back. */
    run = run_new(instance, "");
    run->request.timeout_ms = -1;
    run->grace_ms = 100;
    run_execute(run);
    fake_trigger_wait_held(3);
    run_cancel(run, SPINDLE_CANCEL_USER);
    run_wait(run);
    run_free(run);
    while (observer_count("front") < 5) usleep(20000);
    fake_trigger_let_go();
    kind->destroy(instance);
}

/* The connection breaks while answers are under way: what comes again has a key that is known. */
static void broken(void) {
    struct proxy *proxy = proxy_start(PROXY_FORWARD, broker_port);
    void *instance = trigger_on(proxy_port(proxy), "\"type\":\"t\",\"prefetch\":50");
    struct run *run;
    int i;
    fresh();
    run = open_trigger(instance);
    for (i = 0; i < 50; i++) {
        char id[8];
        snprintf(id, sizeof id, "k%d", i);
        send(id, i % 2 == 0 ? "hold" : "at once", "", "");
    }
    fake_trigger_wait_held(25);
    fake_trigger_wait(50);
    proxy_hold(proxy, 1); /* nothing comes again before the answers are given */
    proxy_cut(proxy);
    fake_trigger_let_go(); /* answers for a connection that is gone */
    proxy_hold(proxy, 0);
    fake_trigger_wait_held(25); /* they come again */
    CHECK(fake_trigger_existed() >= 25, "%d", fake_trigger_existed());
    fake_trigger_let_go();
    while (observer_count("front") > 0) usleep(20000);
    close_trigger(run, instance);
    CHECK(observer_count("front") == 0, "%d", observer_count("front"));
    CHECK(fake_trigger_count() == 50, "%d", fake_trigger_count());
    proxy_stop(proxy);
}

/* Many messages, answers that take their time, a connection that breaks again and again: each message is one job. */
static void load(void) {
    struct proxy *proxy = proxy_start(PROXY_FORWARD, broker_port);
    void *instance = trigger_on(proxy_port(proxy), "\"type\":\"t\",\"prefetch\":100");
    const int total = quick ? 600 : 3000;
    struct run *run;
    int i;
    fresh();
    for (i = 0; i < total; i++) {
        char id[16];
        snprintf(id, sizeof id, "l%d", i);
        send(id, "some work", "", "");
    }
    fake_trigger_answer_slowly = 100;
    run = open_trigger(instance);
    for (i = 1; i < 6; i++) {
        fake_trigger_wait(total * i / 6);
        proxy_cut(proxy);
    }
    fake_trigger_wait(total);
    while (observer_count("front") > 0) usleep(20000);
    close_trigger(run, instance);
    fake_trigger_answer_slowly = 0;
    CHECK(fake_trigger_count() == total, "%d of %d", fake_trigger_count(), total);
    CHECK(observer_count("front") == 0 && observer_count("dead") == 0, "%d %d", observer_count("front"), observer_count("dead"));
    printf("trigger: %d messages, %d of them delivered again after breaks\n", total, fake_trigger_existed());
    proxy_stop(proxy);
}

/* A quorum queue that delivers a message once and no more: what the host has no room for must not use it up. */
static void counted(void) {
    void *instance = trigger_on(broker_port, "\"type\":\"t\"");
    struct run *run;
    int i;
    fresh();
    observer_delete_queue("front");
    observer_quorum("front", "dead", 0);
    for (i = 0; i < 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "q%d", i);
        send(id, i % 2 == 0 ? "busy" : "again", "", "");
    }
    run = open_trigger(instance);
    fake_trigger_wait(5);
    while (observer_count("front") > 0) usleep(20000);
    close_trigger(run, instance);
    CHECK(observer_count("front") == 0 && observer_count("dead") == 0, "%d %d", observer_count("front"), observer_count("dead"));
    observer_delete_queue("front");
}

static void refused(const char *members, const char *pointer, const char *part) {
    char config[1024];
    spindle_status status;
    void *instance;
    snprintf(config, sizeof config, "{\"connection\":{\"host\":\"localhost\"},%s}", members);
    instance = fake_create(config, &status);
    CHECK(instance == NULL && status == SPINDLE_E_CONFIG && strcmp(fake_last_pointer, pointer) == 0 && strstr(fake_last_error, part) != NULL,
          "%s: %d %s %s", config, status, fake_last_pointer, fake_last_error);
}

static void wrong(void) {
    void *instance;
    struct run *run;
    refused("\"type\":\"t\"", "/queue", "name of a queue");
    refused("\"queue\":\"q\"", "", "needs a type or a target");
    refused("\"queue\":\"q\",\"typeHeader\":\"t\"", "/typeHeader", "needs types");
    refused("\"queue\":\"q\",\"targetHeader\":\"t\"", "/targetHeader", "needs targets");
    refused("\"queue\":\"q\",\"type\":\"t\",\"body\":\"parameters\"", "/body", "needs bodyParameters");
    refused("\"queue\":\"q\",\"type\":\"t\",\"prefetch\":0", "/prefetch", "1 to 1000");
    refused("\"queue\":\"q\",\"type\":\"t\",\"retryDelayMs\":1", "/retryDelayMs", "10 to 600000");
    observer_delete_queue("front");
    instance = trigger_on(broker_port, "\"type\":\"t\"");
    run = open_trigger(instance);
    run_wait(run);
    EXPECT(run, SPINDLE_RETRYABLE, "rabbitmq.exchange", "no queue 'front'");
    run_free(run);
    kind->destroy(instance);
    instance = fake_create("{\"connection\":{\"host\":\"localhost\",\"port\":1},\"queue\":\"q\",\"type\":\"t\"}", &(spindle_status){0});
    run = open_trigger(instance);
    close_trigger(run, instance); /* also while there is no broker */
    {
        char config[256];
        snprintf(config, sizeof config, "{\"connection\":{\"host\":\"localhost\",\"port\":%d,\"user\":\"spindle\",\"password\":"
                                        "\"secret://wrong\"},\"queue\":\"q\",\"type\":\"t\"}", broker_port);
        instance = fake_create(config, &(spindle_status){0});
        run = open_trigger(instance);
        run_wait(run);
        EXPECT(run, SPINDLE_RETRYABLE, "rabbitmq.login", "refused the login of user \"spindle\"");
        run_free(run);
        kind->destroy(instance);
    }
    /* A queue that goes away while it is consumed. */
    fresh();
    instance = trigger_on(broker_port, "\"type\":\"t\"");
    run = open_trigger(instance);
    run_wait_note(run);
    observer_delete_queue("front");
    run_wait(run);
    EXPECT(run, SPINDLE_RETRYABLE, "rabbitmq.exchange", "no queue 'front'");
    run_free(run);
    kind->destroy(instance);
}

void test_trigger(void) {
    const spindle_trigger_factory *triggers = trigger_extension("spindle.trigger/1");
    CHECK(trigger_extension("spindle.other/1") == NULL, "an extension that is none");
    CHECK(triggers != NULL && triggers->trigger_count == 1, "no trigger");
    kind = triggers->triggers[0]->executor;
    fake_host_use(kind);
    fake_trigger_start(triggers->triggers[0]);
    fixed();
    chosen();
    bodies();
    answers();
    broken();
    load();
    counted();
    fresh();
    wrong();
    fake_trigger_stop();
    fake_host_use(rabbitmq);
}
