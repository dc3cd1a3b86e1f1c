#include "exchanges.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t find(const struct exchanges *exchanges, const char *name) {
    size_t i;
    for (i = 0; i < exchanges->count && strcmp(exchanges->entries[i].name, name) != 0; i++) {
    }
    return i;
}

enum exchange_standing exchanges_look(const struct exchanges *exchanges, const struct short_text *name) {
    size_t at = find(exchanges, name->bytes);
    if (at < exchanges->count) return exchanges->entries[at].standing;
    return name->length == 0 ? EXCHANGE_PROVEN : EXCHANGE_UNKNOWN; /* the default exchange is always there */
}

void exchanges_note(struct exchanges *exchanges, const struct short_text *name, enum exchange_standing standing) {
    size_t at = find(exchanges, name->bytes);
    if (at == exchanges->count) {
        /* What is forgotten is only learnt again. */
        if (exchanges->count == EXCHANGES_MOST) exchanges_clear(exchanges);
        at = exchanges->count;
        exchanges->entries[at].name = strdup(name->bytes);
        if (exchanges->entries[at].name == NULL) return;
        exchanges->count++;
    }
    exchanges->entries[at].standing = standing;
}

void exchanges_clear(struct exchanges *exchanges) {
    while (exchanges->count > 0) free(exchanges->entries[--exchanges->count].name);
}

bool exchanges_named_in(amqp_bytes_t complaint, const struct short_text *name) {
    char quoted[SHORT_TEXT_MOST + 16];
    int length = snprintf(quoted, sizeof quoted, "exchange '%s'", name->length == 0 ? "amq.default" : name->bytes);
    return complaint.len > 0 && memmem(complaint.bytes, complaint.len, quoted, (size_t)length) != NULL;
}
