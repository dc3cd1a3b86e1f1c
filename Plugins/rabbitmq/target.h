/* Where a message goes: rabbitmq:CONNECTION/EXCHANGE/ROUTING_KEY. */
#ifndef SPINDLE_RABBITMQ_TARGET_H
#define SPINDLE_RABBITMQ_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define SHORT_TEXT_MOST 255 /* bytes of a name in AMQP 0-9-1 */

struct short_text {
    size_t length;
    char bytes[SHORT_TEXT_MOST + 1]; /* ends with NUL, holds none */
};

struct target {
    struct short_text connection, exchange, routing_key;
};

/* NULL when `text` was read, else what is wrong with it. */
const char *target_read(struct target *target, const char *text, size_t length);

#endif
