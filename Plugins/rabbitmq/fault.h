/* What went wrong, in the form that becomes an error of an attempt. */
#ifndef SPINDLE_RABBITMQ_FAULT_H
#define SPINDLE_RABBITMQ_FAULT_H

#include <amqp.h>
#include <spindle/executor.h>

#define FAULT_MESSAGE_BYTES 640

struct fault {
    int32_t outcome;
    const char *code; /* static */
    char message[FAULT_MESSAGE_BYTES];
};

void fault_set(struct fault *fault, int32_t outcome, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The reason in words of the library, for a status below 0. */
const char *fault_reason(int status);
/* The broker closed a channel: what that means for the message or declaration that caused it. `text` is the broker's. */
void fault_channel_closed(struct fault *fault, uint16_t code, amqp_bytes_t text);

#endif
