/* What a job wants to have published, read from its target and parameters. */
#ifndef SPINDLE_RABBITMQ_MESSAGE_H
#define SPINDLE_RABBITMQ_MESSAGE_H

#include <amqp.h>
#include <spindle/executor.h>
#include <stdbool.h>

#include "target.h"

#define MESSAGE_MOST_HEADERS 128
#define MESSAGE_MOST_HEADER_BYTES 32768 /* encoded: with the method they fit into one frame of the broker's */
#define ATTEMPT_HEADER "x-spindle-attempt"

struct message {
    bool rpc;
    bool mandatory;
    struct target target;
    spindle_str body; /* borrowed from the host's request, as all texts of the properties are */
    amqp_basic_properties_t properties;
    amqp_pool_t pool; /* of the headers */
    char expiration[24];
    spindle_str declare_exchange; /* its type; empty = not asked */
    spindle_str declare_queue;
};

struct message_fault {
    const char *code;
    char message[320];
    char pointer[160];
};

/* On failure nothing has to be freed. */
bool message_read(struct message *message, const spindle_request *source, struct message_fault *fault);
void message_free(struct message *message);

amqp_bytes_t bytes_of(spindle_str text);
spindle_str str_of(amqp_bytes_t bytes);
/* The text of a header, or false when it is not there or no text. */
bool header_text(const amqp_basic_properties_t *properties, const char *name, spindle_str *value);

/* Shared by message.c and headers.c. */
bool message_fail(struct message_fault *fault, const char *name, const char *reason);
bool message_read_headers(struct message *message, const spindle_request *source, const spindle_str *json,
                          struct message_fault *fault);

#endif
