/* A message that comes in, put together from its frames. Everything is copied: the library's buffers can then be let go
 * after each frame, so that a message of any length costs no more than `most`. */
#ifndef SPINDLE_RABBITMQ_INCOMING_H
#define SPINDLE_RABBITMQ_INCOMING_H

#include <amqp.h>
#include <stdbool.h>

enum incoming_kind { INCOMING_NONE, INCOMING_RETURN, INCOMING_DELIVERY };
enum incoming_state { INCOMING_MORE, INCOMING_WHOLE, INCOMING_BROKEN };

struct incoming {
    enum incoming_kind kind;
    amqp_pool_t pool;
    uint64_t delivery_tag;
    bool redelivered;
    uint16_t reply_code;      /* of a return */
    amqp_bytes_t reply_text;  /* the same */
    amqp_bytes_t exchange, routing_key;
    amqp_basic_properties_t properties;
    bool has_properties;
    uint64_t size, received; /* of the body */
    bool too_large;          /* over `most`: the body was not kept */
    char *body;
};

void incoming_init(struct incoming *incoming);
/* Ready for the next. */
void incoming_reset(struct incoming *incoming);
void incoming_free(struct incoming *incoming);
/* With the method that announces a message. */
enum incoming_state incoming_start(struct incoming *incoming, const amqp_frame_t *frame);
/* With a frame of its header or body. */
enum incoming_state incoming_feed(struct incoming *incoming, const amqp_frame_t *frame, uint64_t most);

#endif
