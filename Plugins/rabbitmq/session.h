/* A connection to a broker, from the socket to a login; and what the configuration wants to have declared. */
#ifndef SPINDLE_RABBITMQ_SESSION_H
#define SPINDLE_RABBITMQ_SESSION_H

#include <amqp.h>
#include <pthread.h>
#include <stdbool.h>

#include "config.h"
#include "fault.h"

/* As large as the library may send in one go without ever waiting: see session_may_send. */
#define SESSION_FRAME_BYTES 65536

/* Lets another thread break off what a session waits for. */
struct breaker {
    pthread_mutex_t lock;
    int fd; /* -1 = none */
    bool broken;
};

void breaker_init(struct breaker *breaker);
void breaker_destroy(struct breaker *breaker);
/* Whatever waits on the session's socket fails at once, and so does all that begins later. Any thread. */
void breaker_break(struct breaker *breaker);
bool breaker_broken(struct breaker *breaker);

struct tls_check {
    char reason[160]; /* why the certificate was not accepted; empty = it was */
};

struct session {
    amqp_connection_state_t amqp; /* NULL = not connected */
    int fd;
    struct tls_check tls; /* OpenSSL's context points here as long as the connection lives */
};

/* Blocks for at most the connection's time limit for each of its steps: socket and TLS, login, each declaration. */
bool session_open(struct session *session, const struct broker *broker, struct breaker *breaker, struct fault *fault);
/* `politely`: says goodbye, and waits for the answer for half a second at most. */
void session_close(struct session *session, struct breaker *breaker, bool politely);
/* Whether a frame can be sent without waiting. */
bool session_may_send(const struct session *session);

/* How long to sleep at most, so that heartbeats are sent and missed in time. */
int64_t session_heartbeat_ms(const struct session *session);

/* Once a process. */
bool session_start_library(void);

/* tls.c */
/* NULL after the fault was filled. */
amqp_socket_t *tls_socket(amqp_connection_state_t amqp, const struct broker *broker, struct tls_check *check, struct fault *fault);
bool tls_start_library(void);

/* declare.c */
bool declare_all(amqp_connection_state_t amqp, const json_t *declare, struct fault *fault);

#endif
