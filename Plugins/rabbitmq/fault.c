#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

void fault_set(struct fault *fault, int32_t outcome, const char *code, const char *format, ...) {
    va_list arguments;
    fault->outcome = outcome;
    fault->code = code;
    va_start(arguments, format);
    (void)vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
}

const char *fault_reason(int status) {
    switch (status) {
    case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED: return "its name could not be resolved";
    case AMQP_STATUS_CONNECTION_CLOSED:
    case AMQP_STATUS_SOCKET_CLOSED: return "the other side closed the connection";
    case AMQP_STATUS_SOCKET_ERROR:
    case AMQP_STATUS_TCP_ERROR: return "connection refused or reset";
    case AMQP_STATUS_TIMEOUT: return "no answer in time";
    case AMQP_STATUS_HEARTBEAT_TIMEOUT: return "no sign of life within two heartbeats";
    case AMQP_STATUS_BAD_AMQP_DATA:
    case AMQP_STATUS_UNKNOWN_CLASS:
    case AMQP_STATUS_UNKNOWN_METHOD:
    case AMQP_STATUS_WRONG_METHOD:
    case AMQP_STATUS_UNEXPECTED_STATE:
    case AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION: return "the answer is not AMQP 0-9-1";
    case AMQP_STATUS_NO_MEMORY: return "out of memory";
    default: return amqp_error_string2(status);
    }
}

void fault_channel_closed(struct fault *fault, uint16_t code, amqp_bytes_t text) {
    const int length = text.len < 400 ? (int)text.len : 400;
    switch (code) {
    case AMQP_NOT_FOUND:
        fault_set(fault, SPINDLE_PERMANENT, "rabbitmq.exchange", "the broker does not have what is named: %.*s", length,
                  (const char *)text.bytes);
        return;
    case AMQP_ACCESS_REFUSED:
        fault_set(fault, SPINDLE_PERMANENT, "rabbitmq.refused",
                  "the connection's user may not do this; an operator can give it the permission: %.*s", length,
                  (const char *)text.bytes);
        return;
    case AMQP_PRECONDITION_FAILED:
    case AMQP_RESOURCE_LOCKED:
        fault_set(fault, SPINDLE_PERMANENT, "rabbitmq.declare",
                  "what is there differs from what was asked for: %.*s", length, (const char *)text.bytes);
        return;
    default:
        fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.channel", "the broker closed the channel with %u: %.*s", code, length,
                  (const char *)text.bytes);
    }
}
