/* A plain client of the broker, to prepare what tests need and to see what came of them; and one that answers requests. */
#ifndef OBSERVER_H
#define OBSERVER_H

#include <amqp.h>

/* One connection, used by one thread at a time. Everything below aborts when the broker says no. */
void observer_connect(int port);
void observer_close(void);
void observer_queue(const char *name, int most); /* durable; most: x-max-length with reject-publish, 0 = none */
void observer_dead_letters(const char *name, const char *dead); /* both empty; what `name` rejects goes to `dead` */
void observer_quorum(const char *name, const char *dead, int limit); /* the same as a quorum queue with x-delivery-limit */
void observer_exchange(const char *name, const char *type);
void observer_bind(const char *queue, const char *exchange, const char *key);
void observer_delete_queue(const char *name);
void observer_delete_exchange(const char *name);
/* Puts a message into a queue. */
void observer_publish(const char *queue, const amqp_basic_properties_t *properties, const char *body);
int observer_count(const char *queue);
/* Takes a message; 0 = there is none. Free it with amqp_destroy_message. */
int observer_get(const char *queue, amqp_message_t *message);
/* The text of a header, "" when it is not there; valid until the message is destroyed and the next call. */
const char *observer_header(const amqp_message_t *message, const char *name);

/* Answers what comes to the queue "requests", by the body: "echo…", "huge", "none", "wrong" (another correlation). */
void responder_start(int port);
void responder_stop(void);
/* Until it has taken so many requests. */
void responder_wait(int count);

#endif
