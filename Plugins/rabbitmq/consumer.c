#include "consumer.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "thread.h"

#define LONGEST_POLL_MS 60000
#define MOST_AT_ONCE 1000

void consumer_log(const struct consumer *c, int32_t level, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (SPINDLE_OFFERS(c->host, log)) (void)c->host->log(c->ctx, c->handle, level, spindle_str_from_cstr(line), NULL, 0);
}

void consumer_break(struct consumer *c, int status) {
    c->broken = true;
    fault_set(&c->fault, SPINDLE_RETRYABLE, "rabbitmq.connection", "the connection to %s:%d broke: %s", c->config->broker.host,
              c->config->broker.port, fault_reason(status));
}

static void wake(struct consumer *c) {
    const uint64_t one = 1;
    (void)!write(c->wake_fd, &one, sizeof one);
}

void consumer_stop(struct consumer *c, int64_t grace_ms) {
    pthread_mutex_lock(&c->lock);
    if (!c->stopping) {
        c->stopping = true;
        c->grace_ms = grace_ms;
    }
    /* What is being made is broken off; what stands is ended politely. */
    if (!c->connected) breaker_break(&c->breaker);
    wake(c);
    pthread_mutex_unlock(&c->lock);
}

static void set_connected(struct consumer *c, bool connected) {
    pthread_mutex_lock(&c->lock);
    c->connected = connected;
    pthread_mutex_unlock(&c->lock);
}

void consumer_answer(struct consumer *c, uint64_t token, int32_t status) {
    pthread_mutex_lock(&c->lock);
    if (c->verdict_count == c->verdict_capacity) {
        size_t capacity = c->verdict_capacity == 0 ? 64 : c->verdict_capacity * 2;
        struct verdict *grown = realloc(c->verdicts, capacity * sizeof *grown);
        if (grown != NULL) {
            c->verdicts = grown;
            c->verdict_capacity = capacity;
        }
    }
    if (c->verdict_count < c->verdict_capacity) {
        c->verdicts[c->verdict_count].token = token;
        c->verdicts[c->verdict_count++].status = status;
    } else {
        c->verdict_lost = true;
    }
    wake(c);
    pthread_mutex_unlock(&c->lock);
}

static bool judge_reply(struct consumer *c, const char *what) {
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(c->session.amqp);
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return true;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *close = reply.reply.decoded;
        fault_channel_closed(&c->fault, close->reply_code, close->reply_text);
    } else {
        fault_set(&c->fault, SPINDLE_RETRYABLE, "rabbitmq.connect", "%s: %s", what,
                  fault_reason(reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? reply.library_error : AMQP_STATUS_CONNECTION_CLOSED));
    }
    return false;
}

static bool start_consuming(struct consumer *c) {
    const struct trigger_config *config = c->config;
    (void)amqp_channel_open(c->session.amqp, CONSUMER_CHANNEL);
    if (!judge_reply(c, "opening a channel")) return false;
    (void)amqp_basic_qos(c->session.amqp, CONSUMER_CHANNEL, 0, (uint16_t)config->prefetch, 0);
    if (!judge_reply(c, "setting the prefetch")) return false;
    (void)amqp_basic_consume(c->session.amqp, CONSUMER_CHANNEL, amqp_cstring_bytes(config->queue), amqp_cstring_bytes("spindle"), 0, 0, 0,
                             amqp_empty_table);
    return judge_reply(c, "consuming");
}

static bool connect_broker(struct consumer *c) {
    c->broken = false;
    if (!session_open(&c->session, &c->config->broker, &c->breaker, &c->fault)) return false;
    c->generation++;
    c->taken_before = c->taken;
    c->open = 0;
    delivery_forget_all(c);
    incoming_reset(&c->incoming);
    if (start_consuming(c)) {
        char note[320];
        set_connected(c, true);
        snprintf(note, sizeof note, "consuming queue \"%s\"", c->config->queue);
        consumer_log(c, SPINDLE_LOG_INFO, "consuming queue \"%s\" of %s:%d", c->config->queue, c->config->broker.host, c->config->broker.port);
        if (SPINDLE_OFFERS(c->host, progress)) (void)c->host->progress(c->ctx, c->handle, c->taken, -1, spindle_str_from_cstr(note));
        return true;
    }
    session_close(&c->session, &c->breaker, false);
    return false;
}

/* Looks whether it shall stop; then takes nothing new, but waits for the answers that are under way. */
static bool over(struct consumer *c, int64_t now_ns) {
    bool stopping;
    int64_t grace;
    pthread_mutex_lock(&c->lock);
    stopping = c->stopping;
    grace = c->grace_ms > 0 && c->grace_ms < 3600000 ? c->grace_ms : 0;
    pthread_mutex_unlock(&c->lock);
    if (!stopping) return false;
    if (!c->cancelled) {
        c->cancelled = true;
        c->give_up_ns = now_ns + grace * 750000;
        if (c->session.amqp != NULL && session_may_send(&c->session)) {
            amqp_basic_cancel_t cancel = {.consumer_tag = amqp_cstring_bytes("spindle")};
            (void)amqp_send_method(c->session.amqp, CONSUMER_CHANNEL, AMQP_BASIC_CANCEL_METHOD, &cancel);
        }
    }
    return c->session.amqp == NULL || c->open == 0 || now_ns >= c->give_up_ns;
}

static bool receive(struct consumer *c) {
    struct timeval none = {0, 0};
    amqp_frame_t frame;
    int i, status;
    for (i = 0; i < MOST_AT_ONCE && !c->broken; i++) {
        status = amqp_simple_wait_frame_noblock(c->session.amqp, &frame, &none);
        if (status == AMQP_STATUS_TIMEOUT) return false;
        if (status != AMQP_STATUS_OK) {
            consumer_break(c, status);
        } else {
            (void)delivery_frame(c, &frame);
            if (!c->broken) amqp_maybe_release_buffers(c->session.amqp);
        }
    }
    return true;
}

static void sleep_until(struct consumer *c, int64_t at_ns, bool at_once) {
    struct pollfd files[2] = {{c->wake_fd, POLLIN, 0}, {c->session.fd, POLLIN, 0}};
    int64_t wait = LONGEST_POLL_MS, now = clock_mono_ns();
    bool waiting, connected = c->session.amqp != NULL;
    uint64_t count;
    if (connected && session_heartbeat_ms(&c->session) < wait) wait = session_heartbeat_ms(&c->session);
    if (at_ns >= 0 && (at_ns - now + 999999) / 1000000 < wait) wait = (at_ns - now + 999999) / 1000000;
    if (wait < 0 || at_once) wait = 0;
    pthread_mutex_lock(&c->lock);
    waiting = c->verdict_count > 0;
    pthread_mutex_unlock(&c->lock);
    if (waiting) files[1].events |= POLLOUT; /* answers that the socket had no room for */
    (void)poll(files, connected ? 2 : 1, (int)wait);
    if (files[0].revents & POLLIN) (void)!read(c->wake_fd, &count, sizeof count);
}

static void complete(struct consumer *c) {
    spindle_result result = {.struct_size = sizeof result, .retry_after_ms = -1};
    spindle_error error = {.struct_size = sizeof error};
    struct fault fault = c->fault;
    const spindle_host *host = c->host;
    if (c->cancelled) fault_set(&fault, SPINDLE_CANCELLED, "rabbitmq.cancelled", "the trigger was stopped");
    /* Also for what an operator has to correct: that may happen at the broker, of which the host hears nothing. */
    result.outcome = error.outcome = c->cancelled ? SPINDLE_CANCELLED : SPINDLE_RETRYABLE;
    error.code = spindle_str_from_cstr(fault.code);
    error.message = spindle_str_from_cstr(fault.message);
    result.error = &error;
    session_close(&c->session, &c->breaker, !c->broken);
    (void)host->complete(c->ctx, c->handle, &result);
    /* Nothing of it from here on: release may already run. */
}

void *consumer_run(void *argument) {
    struct consumer *c = argument;
    if (SPINDLE_OFFERS(c->host, enter)) c->host->enter(c->ctx, c->handle);
    for (;;) {
        int64_t now = clock_mono_ns();
        bool more;
        if (over(c, now)) break;
        if (now - c->heartbeat_ns >= 1000000000 && SPINDLE_OFFERS(c->host, heartbeat)) {
            c->heartbeat_ns = now;
            (void)c->host->heartbeat(c->ctx, c->handle);
        }
        if (c->session.amqp == NULL) {
            if (now < c->backoff.next_ns) {
                sleep_until(c, c->backoff.next_ns, false);
                continue;
            }
            if (connect_broker(c)) continue;
            if (c->fault.outcome != SPINDLE_RETRYABLE || strcmp(c->fault.code, "rabbitmq.channel") == 0) break;
            consumer_log(c, SPINDLE_LOG_WARNING, "%s", c->fault.message);
            backoff_fail(&c->backoff, clock_mono_ns());
            continue;
        }
        more = receive(c);
        if (!c->broken) (void)delivery_settle(c, clock_mono_ns());
        if (c->broken) {
            set_connected(c, false);
            session_close(&c->session, &c->breaker, false);
            if (strcmp(c->fault.code, "rabbitmq.connection") != 0) break; /* the channel: its queue is not what it was */
            consumer_log(c, SPINDLE_LOG_WARNING, "%s", c->fault.message);
            backoff_fail(&c->backoff, clock_mono_ns());
            continue;
        }
        if (c->taken > c->taken_before) backoff_reset(&c->backoff);
        if (c->cancelled && c->open == 0) continue; /* before it sleeps */
        sleep_until(c, c->cancelled ? c->give_up_ns : delivery_next_due(c), more || amqp_frames_enqueued(c->session.amqp) || amqp_data_in_buffer(c->session.amqp));
    }
    complete(c);
    return NULL;
}

struct consumer *consumer_create(const struct trigger_config *config, const spindle_trigger_host *extension,
                                 const spindle_request *request) {
    struct consumer *c = calloc(1, sizeof *c);
    int i;
    if (c == NULL) return NULL;
    c->config = config;
    c->extension = extension;
    c->host = request->host;
    c->ctx = request->ctx;
    c->handle = request->handle;
    c->session.fd = -1;
    c->deliveries = calloc((size_t)config->prefetch, sizeof *c->deliveries);
    c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&c->lock, NULL);
    breaker_init(&c->breaker);
    backoff_init(&c->backoff, config->broker.max_reconnect_delay_ms);
    incoming_init(&c->incoming);
    for (i = 0; i < config->prefetch && c->deliveries != NULL; i++) incoming_init(&c->deliveries[i].message);
    if (c->deliveries != NULL && c->wake_fd >= 0) return c;
    consumer_free(c);
    return NULL;
}

void consumer_free(struct consumer *c) {
    int i;
    if (c == NULL) return;
    incoming_free(&c->incoming);
    breaker_destroy(&c->breaker);
    pthread_mutex_destroy(&c->lock);
    if (c->wake_fd >= 0) close(c->wake_fd);
    for (i = 0; i < c->config->prefetch && c->deliveries != NULL; i++) incoming_free(&c->deliveries[i].message);
    free(c->deliveries);
    free(c->verdicts);
    free(c);
}
