#include "target.h"

#include <string.h>

#include "text.h"

static int hex_digit(char c) {
    c = ascii_lower(c);
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *decode(struct short_text *part, const char *text, size_t length) {
    size_t i;
    part->length = 0;
    for (i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) return "a % in the target is not followed by two hexadecimal digits";
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0') return "the target holds a NUL";
        if (part->length == SHORT_TEXT_MOST) return "a name in the target is longer than 255 bytes";
        part->bytes[part->length++] = c;
    }
    part->bytes[part->length] = '\0';
    return text_is_utf8(part->bytes, part->length) ? NULL : "the target is not UTF-8";
}

const char *target_read(struct target *target, const char *text, size_t length) {
    static const char *const schemes[] = {"rabbitmq:", "amqp:"};
    const char *slash, *second, *end, *error;
    size_t i;
    for (i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (!text_starts_nocase(text, length, schemes[i])) continue;
        text += strlen(schemes[i]);
        length -= strlen(schemes[i]);
        break;
    }
    if (text_starts_nocase(text, length, "//")) {
        return "the target has the form of a URL; it names a connection of the sidecar instead: "
               "rabbitmq:CONNECTION/EXCHANGE/ROUTING_KEY";
    }
    end = text + length;
    slash = length == 0 ? NULL : memchr(text, '/', length);
    if (slash == NULL) return "the target has to be rabbitmq:CONNECTION/EXCHANGE/ROUTING_KEY";
    second = memchr(slash + 1, '/', (size_t)(end - slash - 1));
    error = decode(&target->connection, text, (size_t)(slash - text));
    if (error == NULL) error = decode(&target->exchange, slash + 1, (size_t)((second != NULL ? second : end) - slash - 1));
    if (error == NULL) error = decode(&target->routing_key, second != NULL ? second + 1 : end, second != NULL ? (size_t)(end - second - 1) : 0);
    if (error != NULL) return error;
    if (target->connection.length == 0) return "the target names no connection";
    if (target->exchange.length == 0 && target->routing_key.length == 0) {
        return "the target names neither an exchange nor a queue; for a queue write rabbitmq:CONNECTION//QUEUE";
    }
    return NULL;
}
