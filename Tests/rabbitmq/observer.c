#include "observer.h"

#include <amqp_tcp_socket.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static amqp_connection_state_t observer;

static void require(int good, const char *what) {
    if (good) return;
    printf("FAILED: the observer could not %s\n", what);
    fflush(stdout);
    abort();
}

static void reply_of(amqp_connection_state_t state, const char *what) {
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(state);
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) printf("%s\n", amqp_error_string2(reply.library_error));
    require(reply.reply_type == AMQP_RESPONSE_NORMAL, what);
}

static amqp_connection_state_t open_connection(int port) {
    amqp_connection_state_t state = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(state);
    require(amqp_socket_open(socket, "127.0.0.1", port) == AMQP_STATUS_OK, "connect");
    require(amqp_login(state, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest").reply_type == AMQP_RESPONSE_NORMAL, "log in");
    amqp_channel_open(state, 1);
    reply_of(state, "open a channel");
    return state;
}

static void close_connection(amqp_connection_state_t state) {
    amqp_connection_close(state, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(state);
}

void observer_connect(int port) {
    observer = open_connection(port);
}

void observer_close(void) {
    close_connection(observer);
}

void observer_queue(const char *name, int most) {
    amqp_table_entry_t entries[2] = {{amqp_cstring_bytes("x-max-length"), {AMQP_FIELD_KIND_I32, {0}}},
                                     {amqp_cstring_bytes("x-overflow"), {AMQP_FIELD_KIND_UTF8, {0}}}};
    amqp_table_t arguments = {most > 0 ? 2 : 0, entries};
    entries[0].value.value.i32 = most;
    entries[1].value.value.bytes = amqp_cstring_bytes("reject-publish");
    amqp_queue_declare(observer, 1, amqp_cstring_bytes(name), 0, 1, 0, 0, arguments);
    reply_of(observer, "declare a queue");
    amqp_queue_purge(observer, 1, amqp_cstring_bytes(name));
    reply_of(observer, "purge a queue");
}

void observer_dead_letters(const char *name, const char *dead) {
    amqp_table_entry_t entries[2] = {{amqp_cstring_bytes("x-dead-letter-exchange"), {AMQP_FIELD_KIND_UTF8, {0}}},
                                     {amqp_cstring_bytes("x-dead-letter-routing-key"), {AMQP_FIELD_KIND_UTF8, {0}}}};
    amqp_table_t arguments = {2, entries};
    entries[0].value.value.bytes = amqp_cstring_bytes("");
    entries[1].value.value.bytes = amqp_cstring_bytes(dead);
    observer_queue(dead, 0);
    amqp_queue_declare(observer, 1, amqp_cstring_bytes(name), 0, 1, 0, 0, arguments);
    reply_of(observer, "declare a queue with dead letters");
    amqp_queue_purge(observer, 1, amqp_cstring_bytes(name));
    reply_of(observer, "purge a queue");
}

void observer_quorum(const char *name, const char *dead, int limit) {
    amqp_table_entry_t entries[4] = {{amqp_cstring_bytes("x-dead-letter-exchange"), {AMQP_FIELD_KIND_UTF8, {0}}},
                                     {amqp_cstring_bytes("x-dead-letter-routing-key"), {AMQP_FIELD_KIND_UTF8, {0}}},
                                     {amqp_cstring_bytes("x-queue-type"), {AMQP_FIELD_KIND_UTF8, {0}}},
                                     {amqp_cstring_bytes("x-delivery-limit"), {AMQP_FIELD_KIND_I32, {0}}}};
    amqp_table_t arguments = {4, entries};
    entries[0].value.value.bytes = amqp_cstring_bytes("");
    entries[1].value.value.bytes = amqp_cstring_bytes(dead);
    entries[2].value.value.bytes = amqp_cstring_bytes("quorum");
    entries[3].value.value.i32 = limit;
    amqp_queue_declare(observer, 1, amqp_cstring_bytes(name), 0, 1, 0, 0, arguments);
    reply_of(observer, "declare a quorum queue");
}

void observer_exchange(const char *name, const char *type) {
    amqp_exchange_declare(observer, 1, amqp_cstring_bytes(name), amqp_cstring_bytes(type), 0, 1, 0, 0, amqp_empty_table);
    reply_of(observer, "declare an exchange");
}

void observer_bind(const char *queue, const char *exchange, const char *key) {
    amqp_queue_bind(observer, 1, amqp_cstring_bytes(queue), amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), amqp_empty_table);
    reply_of(observer, "bind a queue");
}

void observer_delete_queue(const char *name) {
    amqp_queue_delete(observer, 1, amqp_cstring_bytes(name), 0, 0);
    reply_of(observer, "delete a queue");
}

void observer_delete_exchange(const char *name) {
    amqp_exchange_delete(observer, 1, amqp_cstring_bytes(name), 0);
    reply_of(observer, "delete an exchange");
}

void observer_publish(const char *queue, const amqp_basic_properties_t *properties, const char *body) {
    require(amqp_basic_publish(observer, 1, amqp_empty_bytes, amqp_cstring_bytes(queue), 0, 0, properties,
                               amqp_cstring_bytes(body)) == AMQP_STATUS_OK,
            "publish");
}

int observer_count(const char *queue) {
    amqp_queue_declare_ok_t *ok = amqp_queue_declare(observer, 1, amqp_cstring_bytes(queue), 1, 1, 0, 0, amqp_empty_table);
    reply_of(observer, "count");
    amqp_maybe_release_buffers(observer);
    return (int)ok->message_count;
}

int observer_get(const char *queue, amqp_message_t *message) {
    amqp_rpc_reply_t reply = amqp_basic_get(observer, 1, amqp_cstring_bytes(queue), 1);
    require(reply.reply_type == AMQP_RESPONSE_NORMAL, "get");
    if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return 0;
    require(amqp_read_message(observer, 1, message, 0).reply_type == AMQP_RESPONSE_NORMAL, "read a message");
    amqp_maybe_release_buffers(observer);
    return 1;
}

const char *observer_header(const amqp_message_t *message, const char *name) {
    static char text[512];
    int i;
    text[0] = '\0';
    for (i = 0; i < message->properties.headers.num_entries; i++) {
        const amqp_table_entry_t *entry = &message->properties.headers.entries[i];
        if (entry->key.len != strlen(name) || memcmp(entry->key.bytes, name, entry->key.len) != 0) continue;
        switch (entry->value.kind) {
        case AMQP_FIELD_KIND_UTF8:
            snprintf(text, sizeof text, "%.*s", (int)entry->value.value.bytes.len, (const char *)entry->value.value.bytes.bytes);
            break;
        case AMQP_FIELD_KIND_I64: snprintf(text, sizeof text, "i%lld", (long long)entry->value.value.i64); break;
        case AMQP_FIELD_KIND_F64: snprintf(text, sizeof text, "d%g", entry->value.value.f64); break;
        case AMQP_FIELD_KIND_BOOLEAN: snprintf(text, sizeof text, "t%d", entry->value.value.boolean); break;
        case AMQP_FIELD_KIND_VOID: snprintf(text, sizeof text, "void"); break;
        case AMQP_FIELD_KIND_ARRAY: snprintf(text, sizeof text, "array of %d", entry->value.value.array.num_entries); break;
        case AMQP_FIELD_KIND_TABLE: snprintf(text, sizeof text, "table of %d", entry->value.value.table.num_entries); break;
        default: snprintf(text, sizeof text, "kind %d", entry->value.kind);
        }
    }
    return text;
}

/* ---- The responder. ---- */

static struct {
    amqp_connection_state_t state;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count, stop;
} responder = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void answer(const amqp_envelope_t *request) {
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_TYPE_FLAG};
    amqp_table_entry_t headers[2] = {{amqp_cstring_bytes("took"), {AMQP_FIELD_KIND_I64, {0}}},
                                     {amqp_cstring_bytes("by"), {AMQP_FIELD_KIND_UTF8, {0}}}};
    amqp_bytes_t body = request->message.body;
    char *huge = NULL;
    headers[0].value.value.i64 = 42;
    headers[1].value.value.bytes = amqp_cstring_bytes("responder");
    properties.headers.num_entries = 2;
    properties.headers.entries = headers;
    properties.content_type = amqp_cstring_bytes("text/plain");
    properties.type = amqp_cstring_bytes("answer");
    properties.correlation_id = request->message.properties.correlation_id;
    if (body.len == 4 && memcmp(body.bytes, "none", 4) == 0) return;
    if (body.len == 5 && memcmp(body.bytes, "wrong", 5) == 0) properties.correlation_id = amqp_cstring_bytes("somebody-else");
    if (body.len == 4 && memcmp(body.bytes, "huge", 4) == 0) {
        huge = malloc(3000000);
        memset(huge, 'x', 3000000);
        body.bytes = huge;
        body.len = 3000000;
    }
    amqp_basic_publish(responder.state, 1, amqp_empty_bytes, request->message.properties.reply_to, 0, 0, &properties, body);
    free(huge);
}

static void *respond(void *unused) {
    (void)unused;
    for (;;) {
        struct timeval limit = {0, 50000};
        amqp_envelope_t request;
        amqp_rpc_reply_t reply;
        int stop;
        pthread_mutex_lock(&responder.lock);
        stop = responder.stop;
        pthread_mutex_unlock(&responder.lock);
        if (stop) return NULL;
        amqp_maybe_release_buffers(responder.state);
        reply = amqp_consume_message(responder.state, &request, &limit, 0);
        if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT) continue;
        require(reply.reply_type == AMQP_RESPONSE_NORMAL, "consume");
        answer(&request);
        amqp_destroy_envelope(&request);
        pthread_mutex_lock(&responder.lock);
        responder.count++;
        pthread_cond_broadcast(&responder.changed);
        pthread_mutex_unlock(&responder.lock);
    }
}

void responder_start(int port) {
    responder.state = open_connection(port);
    amqp_queue_declare(responder.state, 1, amqp_cstring_bytes("requests"), 0, 0, 0, 0, amqp_empty_table);
    reply_of(responder.state, "declare the queue of requests");
    amqp_basic_consume(responder.state, 1, amqp_cstring_bytes("requests"), amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
    reply_of(responder.state, "consume requests");
    responder.stop = responder.count = 0;
    pthread_create(&responder.thread, NULL, respond, NULL);
}

void responder_stop(void) {
    pthread_mutex_lock(&responder.lock);
    responder.stop = 1;
    pthread_mutex_unlock(&responder.lock);
    pthread_join(responder.thread, NULL);
    close_connection(responder.state);
}

void responder_wait(int count) {
    pthread_mutex_lock(&responder.lock);
    while (responder.count < count) pthread_cond_wait(&responder.changed, &responder.lock);
    pthread_mutex_unlock(&responder.lock);
}
