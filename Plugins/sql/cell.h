/* One value of a row as JSON or CSV. */
#ifndef SQL_CELL_H
#define SQL_CELL_H

#include "sink.h"

/* Writes into a sink, or into `text` if there is one. */
struct writer {
    struct sink *sink;
    struct text *text;
    bool csv;
    unsigned char pending[4]; /* the beginning of a character of UTF-8 */
    size_t pending_count;
};

/* Most bytes of all values that come out of parameters. With the results that stay in the output, and what is around them, less
 * than an output may have. */
#define MOST_OUTS (256 * 1024)

void writer_raw(struct writer *writer, const char *bytes, size_t length);
/* Between quotes: what may not stand there is escaped, what is not UTF-8 becomes U+FFFD. */
void writer_quoted(struct writer *writer, const char *bytes, size_t length);
void writer_quoted_end(struct writer *writer); /* after the last part */

/* A value that is there as a whole. */
void writer_value(struct writer *writer, enum column_kind kind, const char *bytes, size_t length);
void writer_null(struct writer *writer);

/* Reads and writes the value of a column of the current row, however long. False: the statement's diagnostics say why. */
bool cell_write(struct writer *writer, SQLHSTMT statement, SQLUSMALLINT column, enum column_kind kind);

#endif
