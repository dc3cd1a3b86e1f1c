#include "cell.h"

#include <stdio.h>

#include "base64.h"

#define PIECE 12288 /* divisible by 3, so that base 64 of the pieces is that of the whole */

/* How many bytes of a piece are the value's; the driver puts a NUL behind text. */
static size_t piece_length(SQLRETURN status, SQLLEN indicator, size_t size, size_t terminator) {
    if (status == SQL_SUCCESS_WITH_INFO && (indicator == SQL_NO_TOTAL || indicator > (SQLLEN)(size - terminator))) {
        return size - terminator;
    }
    return indicator < 0 ? 0 : (size_t)indicator > size - terminator ? size - terminator : (size_t)indicator;
}

static void put_piece(struct writer *writer, enum column_kind kind, const char *bytes, size_t length) {
    if (kind == COLUMN_BINARY) {
        struct text encoded = { 0 };
        base64_add(&encoded, (const unsigned char *)bytes, length);
        writer_raw(writer, encoded.data == NULL ? "" : encoded.data, encoded.length);
        text_free(&encoded);
    } else {
        writer_quoted(writer, bytes, length);
    }
}

/* Whoever takes the value has had too much of it already. */
static bool is_enough(const struct writer *writer) {
    return writer->text != NULL ? writer->text->length > MOST_OUTS : writer->sink->failed;
}

/* A value of any length, in pieces, whose beginning has been read if `first` is not NULL. */
static bool write_long(struct writer *writer, SQLHSTMT statement, SQLUSMALLINT column, enum column_kind kind, const char *first,
                       size_t first_length) {
    SQLSMALLINT type = kind == COLUMN_BINARY ? SQL_C_BINARY : SQL_C_CHAR;
    size_t terminator = kind == COLUMN_BINARY ? 0 : 1;
    char piece[PIECE + 1];
    bool begun = first != NULL;
    if (begun) {
        writer_raw(writer, "\"", 1);
        put_piece(writer, kind, first, first_length);
    }
    for (;;) {
        SQLLEN indicator = 0;
        SQLRETURN status = SQLGetData(statement, column, type, piece, (SQLLEN)(PIECE + terminator), &indicator);
        if (status == SQL_NO_DATA) break;
        if (!SQL_SUCCEEDED(status)) return false;
        if (indicator == SQL_NULL_DATA) {
            writer_null(writer);
            return true;
        }
        if (!begun) writer_raw(writer, "\"", 1);
        begun = true;
        put_piece(writer, kind, piece, piece_length(status, indicator, PIECE + terminator, terminator));
        if (status == SQL_SUCCESS || is_enough(writer)) break;
    }
    if (!begun) writer_raw(writer, "\"", 1);
    writer_quoted_end(writer);
    writer_raw(writer, "\"", 1);
    return true;
}

bool cell_write(struct writer *writer, SQLHSTMT statement, SQLUSMALLINT column, enum column_kind kind) {
    char value[1024];
    double number = 0;
    unsigned char bit = 0;
    SQLLEN indicator = 0;
    SQLRETURN status;
    if (kind == COLUMN_TEXT || kind == COLUMN_BINARY) return write_long(writer, statement, column, kind, NULL, 0);
    if (kind == COLUMN_DOUBLE || kind == COLUMN_REAL) {
        status = SQLGetData(statement, column, SQL_C_DOUBLE, &number, sizeof number, &indicator);
        if (!SQL_SUCCEEDED(status)) return false;
        if (indicator == SQL_NULL_DATA) writer_null(writer);
        else writer_value(writer, kind, value, (size_t)snprintf(value, sizeof value, "%.17g", number));
        return true;
    }
    if (kind == COLUMN_BOOLEAN) { /* MariaDB's driver gives a byte of 1 as text */
        status = SQLGetData(statement, column, SQL_C_BIT, &bit, sizeof bit, &indicator);
        if (!SQL_SUCCEEDED(status)) return false;
        if (indicator == SQL_NULL_DATA) writer_null(writer);
        else writer_value(writer, kind, bit ? "1" : "0", 1);
        return true;
    }
    status = SQLGetData(statement, column, SQL_C_CHAR, value, sizeof value, &indicator);
    if (!SQL_SUCCEEDED(status)) return false;
    if (indicator == SQL_NULL_DATA) {
        writer_null(writer);
        return true;
    }
    /* Longer than any number that JSON has exactly, or any time: SQLite keeps what it likes in columns of any type. */
    if (status == SQL_SUCCESS_WITH_INFO && (indicator == SQL_NO_TOTAL || indicator >= (SQLLEN)sizeof value)) {
        return write_long(writer, statement, column, COLUMN_TEXT, value, sizeof value - 1);
    }
    writer_value(writer, kind, value, piece_length(status, indicator, sizeof value, 1));
    return true;
}
