/* Statements with :name in them become statements with ?, the only form that ODBC knows. */
#ifndef SQL_PLACEHOLDERS_H
#define SQL_PLACEHOLDERS_H

#include "text.h"

#define MAX_MARKERS 1000

struct marker {
    const char *name; /* within the statement's text; NULL for ? */
    size_t length;
};

/* Appends to `sql` the text with ? in place of each :name, and fills `markers`. What is quoted or a comment is left alone.
 * False, with a sentence in `why`: the text could be read in more than one way, or mixes the two forms. */
bool placeholders_read(const char *text, struct text *sql, struct marker *markers, size_t *count, const char **why);

/* A name of at most three parts with dots between, each of letters, digits, _ and $, not beginning with a digit. */
bool identifier_is_valid(const char *name);

/* What connections, statements and procedures may be called: letters, digits, _, - and dots; targets have a / between two. */
bool name_is_valid(const char *name);

/* Appends the name with each part quoted. */
void identifier_quote(struct text *sql, const char *name, char quote);

#endif
