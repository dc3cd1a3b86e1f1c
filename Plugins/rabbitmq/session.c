#include "session.h"

#include <amqp_tcp_socket.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "target.h"

/* The kernel doubles it. It calls a socket writable when a third is free: more than one frame. */
#define SEND_BUFFER_BYTES 212992
#define MOST_CHANNELS 16
#define GOODBYE_MS 500

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool started;

static void start(void) {
    started = tls_start_library();
}

bool session_start_library(void) {
    pthread_once(&once, start);
    return started;
}

void breaker_init(struct breaker *breaker) {
    pthread_mutex_init(&breaker->lock, NULL);
    breaker->fd = -1;
    breaker->broken = false;
}

void breaker_destroy(struct breaker *breaker) {
    pthread_mutex_destroy(&breaker->lock);
}

void breaker_break(struct breaker *breaker) {
    pthread_mutex_lock(&breaker->lock);
    breaker->broken = true;
    if (breaker->fd >= 0) shutdown(breaker->fd, SHUT_RDWR);
    pthread_mutex_unlock(&breaker->lock);
}

bool breaker_broken(struct breaker *breaker) {
    bool broken;
    pthread_mutex_lock(&breaker->lock);
    broken = breaker->broken;
    pthread_mutex_unlock(&breaker->lock);
    return broken;
}

static bool breaker_guard(struct breaker *breaker, int fd) {
    bool broken;
    pthread_mutex_lock(&breaker->lock);
    breaker->fd = fd;
    broken = breaker->broken;
    pthread_mutex_unlock(&breaker->lock);
    return !broken;
}

static struct timeval milliseconds(int ms) {
    struct timeval time = {ms / 1000, ms % 1000 * 1000};
    return time;
}

static bool open_socket(struct session *session, const struct broker *broker, struct fault *fault) {
    struct timeval limit = milliseconds(broker->connect_timeout_ms);
    amqp_socket_t *socket;
    int status, size = SEND_BUFFER_BYTES;
    amqp_set_handshake_timeout(session->amqp, &limit);
    amqp_set_rpc_timeout(session->amqp, &limit);
    if (!broker->tls) {
        socket = amqp_tcp_socket_new(session->amqp);
        if (socket == NULL) fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.internal", "out of memory");
    } else {
        socket = tls_socket(session->amqp, broker, &session->tls, fault);
    }
    if (socket == NULL) return false;
    status = amqp_socket_open_noblock(socket, broker->host, broker->port, &limit);
    if (status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED || status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED) {
        fault_set(fault, SPINDLE_PERMANENT, "rabbitmq.tls.certificate", "the certificate of %s:%d was not accepted: %s", broker->host,
                  broker->port, session->tls.reason[0] != '\0' ? session->tls.reason : "there is none");
    } else if (status == AMQP_STATUS_SSL_ERROR || status == AMQP_STATUS_SSL_CONNECTION_FAILED) {
        fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.tls", "the TLS handshake with %s:%d failed", broker->host, broker->port);
    } else if (status != AMQP_STATUS_OK) {
        fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.connect", "the broker at %s:%d cannot be reached: %s", broker->host, broker->port,
                  fault_reason(status));
    }
    if (status != AMQP_STATUS_OK) return false;
    session->fd = amqp_get_sockfd(session->amqp);
    (void)setsockopt(session->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return true;
}

/* The password in a form that the library takes; gone when login is over. */
static amqp_rpc_reply_t log_in(struct session *session, const struct broker *broker) {
    amqp_table_entry_t capabilities[] = {
        {{0, "authentication_failure_close"}, {AMQP_FIELD_KIND_BOOLEAN, {1}}},
        {{0, "connection.blocked"}, {AMQP_FIELD_KIND_BOOLEAN, {1}}},
        {{0, "consumer_cancel_notify"}, {AMQP_FIELD_KIND_BOOLEAN, {1}}},
        {{0, "publisher_confirms"}, {AMQP_FIELD_KIND_BOOLEAN, {1}}},
        {{0, "basic.nack"}, {AMQP_FIELD_KIND_BOOLEAN, {1}}},
    };
    amqp_table_entry_t properties[3];
    amqp_table_t table = {3, properties};
    amqp_rpc_reply_t reply;
    char *password = malloc(broker->password.len + 1);
    size_t i;
    memset(&reply, 0, sizeof reply);
    reply.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION;
    reply.library_error = AMQP_STATUS_NO_MEMORY;
    if (password == NULL) return reply;
    memcpy(password, broker->password.ptr, broker->password.len);
    password[broker->password.len] = '\0';
    for (i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
        capabilities[i].key = amqp_cstring_bytes(capabilities[i].key.bytes);
    }
    properties[0].key = amqp_cstring_bytes("product");
    properties[0].value.kind = AMQP_FIELD_KIND_UTF8;
    properties[0].value.value.bytes = amqp_cstring_bytes("spindle");
    properties[1].key = amqp_cstring_bytes("connection_name");
    properties[1].value.kind = AMQP_FIELD_KIND_UTF8;
    properties[1].value.value.bytes = amqp_cstring_bytes(broker->connection_name);
    properties[2].key = amqp_cstring_bytes("capabilities");
    properties[2].value.kind = AMQP_FIELD_KIND_TABLE;
    properties[2].value.value.table.num_entries = (int)(sizeof capabilities / sizeof *capabilities);
    properties[2].value.value.table.entries = capabilities;
    reply = amqp_login_with_properties(session->amqp, broker->vhost, MOST_CHANNELS, SESSION_FRAME_BYTES, broker->heartbeat_s, &table,
                                       AMQP_SASL_METHOD_PLAIN, broker->user, password);
    explicit_bzero(password, broker->password.len);
    free(password);
    return reply;
}

static void judge_login(const struct broker *broker, const amqp_rpc_reply_t *reply, struct fault *fault) {
    const amqp_connection_close_t *close = reply->reply.decoded;
    if (reply->reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply->reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const int length = close->reply_text.len < 300 ? (int)close->reply_text.len : 300;
        const char *text = close->reply_text.bytes;
        if (close->reply_code == AMQP_ACCESS_REFUSED) {
            fault_set(fault, SPINDLE_PERMANENT, "rabbitmq.login",
                      "the broker at %s:%d refused the login of user \"%s\"; an operator has to correct it: %.*s", broker->host,
                      broker->port, broker->user, length, text);
        } else if (close->reply_code == AMQP_NOT_ALLOWED && memmem(text, close->reply_text.len, "limit", 5) == NULL) {
            fault_set(fault, SPINDLE_PERMANENT, "rabbitmq.vhost", "the virtual host \"%s\" cannot be used: %.*s", broker->vhost, length,
                      text);
        } else {
            fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.connect", "the broker at %s:%d closed the connection with %u: %.*s",
                      broker->host, broker->port, close->reply_code, length, text);
        }
        return;
    }
    switch (reply->reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? reply->library_error : AMQP_STATUS_UNEXPECTED_STATE) {
    case AMQP_STATUS_TIMEOUT:
    case AMQP_STATUS_CONNECTION_CLOSED:
    case AMQP_STATUS_SOCKET_ERROR:
    case AMQP_STATUS_SOCKET_CLOSED:
    case AMQP_STATUS_SSL_ERROR:
    case AMQP_STATUS_NO_MEMORY:
        fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.connect", "the broker at %s:%d did not let the connection in: %s", broker->host,
                  broker->port, fault_reason(reply->library_error));
        return;
    default:
        fault_set(fault, SPINDLE_PERMANENT, "rabbitmq.protocol",
                  "what answers at %s:%d is not an AMQP 0-9-1 broker; host, port or tls of the connection are wrong", broker->host,
                  broker->port);
    }
}

bool session_open(struct session *session, const struct broker *broker, struct breaker *breaker, struct fault *fault) {
    amqp_rpc_reply_t reply;
    session->fd = -1;
    session->amqp = amqp_new_connection();
    if (session->amqp == NULL) {
        fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.internal", "out of memory");
        return false;
    }
    if (open_socket(session, broker, fault)) {
        if (breaker_guard(breaker, session->fd)) {
            reply = log_in(session, broker);
            if (reply.reply_type != AMQP_RESPONSE_NORMAL) judge_login(broker, &reply, fault);
            else if (declare_all(session->amqp, broker->declare, fault)) return true;
        } else {
            fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.connect", "the executor stops");
        }
    }
    session_close(session, breaker, false);
    return false;
}

void session_close(struct session *session, struct breaker *breaker, bool politely) {
    struct timeval limit = milliseconds(GOODBYE_MS);
    if (session->amqp == NULL) return;
    if (politely && session_may_send(session)) {
        amqp_set_rpc_timeout(session->amqp, &limit);
        (void)amqp_connection_close(session->amqp, AMQP_REPLY_SUCCESS);
    }
    (void)breaker_guard(breaker, -1); /* before the number can mean another file */
    (void)amqp_destroy_connection(session->amqp);
    session->amqp = NULL;
    session->fd = -1;
}

bool session_may_send(const struct session *session) {
    struct pollfd writable = {session->fd, POLLOUT, 0};
    /* A broken socket is writable too: the write tells. */
    return poll(&writable, 1, 0) == 1;
}

int64_t session_heartbeat_ms(const struct session *session) {
    int seconds = amqp_get_heartbeat(session->amqp); /* the lesser of the broker's and ours */
    return seconds > 0 ? seconds * INT64_C(500) : 3600000;
}
