#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base64.h"
#include "cell.h"

void writer_raw(struct writer *writer, const char *bytes, size_t length) {
    if (writer->text != NULL) text_add(writer->text, bytes, length);
    else sink_add(writer->sink, bytes, length);
}

static int length_by_lead(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return -1;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* The bytes of the character that begins at `b`: its length, 0 if it is cut off, -1 if there is none. */
static int utf8_length(const unsigned char *b, size_t count) {
    int length = length_by_lead(b[0]), i;
    for (i = 1; i < length; i++) {
        unsigned char least = 0x80, most = 0xBF;
        if ((size_t)i >= count) return 0;
        if (i == 1) {
            if (b[0] == 0xE0) least = 0xA0;
            if (b[0] == 0xED) most = 0x9F; /* surrogates */
            if (b[0] == 0xF0) least = 0x90;
            if (b[0] == 0xF4) most = 0x8F;
        }
        if (b[i] < least || b[i] > most) return -1;
    }
    return length;
}

static void put_character(struct writer *writer, const char *bytes, size_t length) {
    char escape[8];
    unsigned char c = (unsigned char)bytes[0];
    if (writer->csv) {
        if (c == '"') writer_raw(writer, "\"\"", 2);
        else writer_raw(writer, bytes, length);
    } else if (c == '"' || c == '\\') {
        (void)snprintf(escape, sizeof escape, "\\%c", c);
        writer_raw(writer, escape, 2);
    } else if (c < 0x20) {
        (void)snprintf(escape, sizeof escape, "\\u%04x", c);
        writer_raw(writer, escape, 6);
    } else {
        writer_raw(writer, bytes, length);
    }
}

static bool is_special(const struct writer *writer, unsigned char c) {
    return c == '"' || c >= 0x80 || (!writer->csv && (c == '\\' || c < 0x20));
}

void writer_quoted(struct writer *writer, const char *bytes, size_t length) {
    const char *at = bytes, *end = bytes + length;
    while (at < end) {
        int count;
        /* The common case in one piece. */
        if (writer->pending_count == 0) {
            const char *run = at;
            while (run < end && !is_special(writer, (unsigned char)*run)) run++;
            if (run > at) writer_raw(writer, at, (size_t)(run - at));
            at = run;
            if (at == end) return;
        }
        writer->pending[writer->pending_count++] = (unsigned char)*at++;
        count = utf8_length(writer->pending, writer->pending_count);
        if (count == 0) continue;
        if (count > 0) {
            put_character(writer, (const char *)writer->pending, (size_t)count);
        } else {
            writer_raw(writer, "\xEF\xBF\xBD", 3);
            /* The byte that does not continue the character may begin another one. */
            if (writer->pending_count > 1) at--;
        }
        writer->pending_count = 0;
    }
}

void writer_quoted_end(struct writer *writer) {
    if (writer->pending_count > 0) writer_raw(writer, "\xEF\xBF\xBD", 3);
    writer->pending_count = 0;
}

void writer_null(struct writer *writer) {
    if (!writer->csv) writer_raw(writer, "null", 4);
}

static void put_text(struct writer *writer, const char *bytes, size_t length) {
    writer_raw(writer, "\"", 1);
    writer_quoted(writer, bytes, length);
    writer_quoted_end(writer);
    writer_raw(writer, "\"", 1);
}

/* Is it a number of JSON that every reader of JSON, whose numbers are doubles, gives back as it is? */
static bool is_exact(enum column_kind kind, const char *text, size_t length) {
    size_t i = 0, digits = 0;
    bool leading = true;
    if (i < length && text[i] == '-') i++;
    if (i == length || text[i] < '0' || text[i] > '9') return false;
    if (text[i] == '0' && i + 1 < length && text[i + 1] >= '0' && text[i + 1] <= '9') return false;
    for (; i < length; i++) {
        if (text[i] == '.' && kind == COLUMN_DECIMAL && i + 1 < length) continue;
        if (text[i] < '0' || text[i] > '9') return false;
        if (text[i] != '0') leading = false;
        if (!leading) digits++;
    }
    if (kind == COLUMN_INTEGER && digits == 16) {
        long long number = llabs(strtoll(text, NULL, 10));
        return number <= 9007199254740991LL;
    }
    return digits <= 15;
}

/* Nothing in it has a meaning in CSV. SQLite keeps any text in columns of numbers. */
static bool is_of_number(const char *text, size_t length) {
    size_t i;
    for (i = 0; i < length; i++) {
        if (text[i] == 0 || strchr("0123456789+-.eE", text[i]) == NULL) return false;
    }
    return length > 0;
}

static void put_double(struct writer *writer, const char *text, bool single) {
    double number = strtod(text, NULL);
    char digits[40];
    int precision = single ? 6 : 15;
    if (!isfinite(number)) {
        put_text(writer, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity", isnan(number) ? 3 : number > 0 ? 8 : 9);
        return;
    }
    do (void)snprintf(digits, sizeof digits, "%.*g", precision, number);
    while (++precision <= 17 && (single ? strtof(digits, NULL) != (float)number : strtod(digits, NULL) != number));
    writer_raw(writer, digits, strlen(digits));
}

static void put_binary(struct writer *writer, const char *bytes, size_t length) {
    struct text encoded = { 0 };
    base64_add(&encoded, (const unsigned char *)bytes, length);
    put_text(writer, encoded.data == NULL ? "" : encoded.data, encoded.length);
    text_free(&encoded);
}

static void put_changed(struct writer *writer, enum column_kind kind, const char *bytes, size_t length) {
    char text[80];
    size_t i;
    if (length > sizeof text - 2) {
        put_text(writer, bytes, length);
        return;
    }
    for (i = 0; i < length; i++) {
        char c = bytes[i];
        if (kind == COLUMN_UUID && c >= 'A' && c <= 'F') c = (char)(c + 32);
        if (kind != COLUMN_UUID && i == 10 && c == ' ') c = 'T';
        text[i] = c;
    }
    if (kind == COLUMN_ZONED) text[length++] = 'Z';
    put_text(writer, text, length);
}

void writer_value(struct writer *writer, enum column_kind kind, const char *bytes, size_t length) {
    switch (kind) {
    case COLUMN_INTEGER: case COLUMN_DECIMAL:
        if (writer->csv ? is_of_number(bytes, length) : is_exact(kind, bytes, length)) writer_raw(writer, bytes, length);
        else put_text(writer, bytes, length);
        return;
    case COLUMN_DOUBLE: case COLUMN_REAL: put_double(writer, bytes, kind == COLUMN_REAL); return;
    case COLUMN_BOOLEAN:
        if (length > 0 && (bytes[0] == '1' || bytes[0] == 't' || bytes[0] == 'T')) writer_raw(writer, "true", 4);
        else writer_raw(writer, "false", 5);
        return;
    case COLUMN_BINARY: put_binary(writer, bytes, length); return;
    case COLUMN_TIMESTAMP: case COLUMN_ZONED: case COLUMN_UUID: put_changed(writer, kind, bytes, length); return;
    default: put_text(writer, bytes, length);
    }
}
