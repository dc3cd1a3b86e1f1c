/* What a connection has learnt about the exchanges that jobs name. A message for an exchange that is not there, or that
 * may not be written to, makes the broker close the channel with all that is under way on it: so a message goes to the
 * channel that all share only when its exchange has proved to be good. */
#ifndef SPINDLE_RABBITMQ_EXCHANGES_H
#define SPINDLE_RABBITMQ_EXCHANGES_H

#include <amqp.h>
#include <stdbool.h>

#include "target.h"

#define EXCHANGES_MOST 256

enum exchange_standing { EXCHANGE_UNKNOWN, EXCHANGE_PROVEN, EXCHANGE_SUSPECT };

struct exchanges {
    struct {
        char *name;
        enum exchange_standing standing;
    } entries[EXCHANGES_MOST];
    size_t count;
};

enum exchange_standing exchanges_look(const struct exchanges *exchanges, const struct short_text *name);
void exchanges_note(struct exchanges *exchanges, const struct short_text *name, enum exchange_standing standing);
void exchanges_clear(struct exchanges *exchanges);
/* Whether the broker's complaint names this exchange. */
bool exchanges_named_in(amqp_bytes_t complaint, const struct short_text *name);

#endif
