/* Bounded buffers and small text helpers. */
#ifndef SPINDLE_HTTP_TEXT_H
#define SPINDLE_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ascii.h"

/* Grows up to `limit`; after the first append that does not fit (or a failed allocation) `failed` stays set. */
struct buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t limit;
    bool failed;
};

void buffer_init(struct buffer *b, size_t limit);
void buffer_free(struct buffer *b);
/* Overwrites the bytes first: for anything that may have held a secret. */
void buffer_wipe(struct buffer *b);
bool buffer_append(struct buffer *b, const char *bytes, size_t length);
bool buffer_text(struct buffer *b, const char *text);
bool buffer_format(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends a JSON string, quotes included. Invalid UTF-8 becomes U+FFFD. At most `most` bytes of the text are read. */
bool buffer_json_string(struct buffer *b, const char *text, size_t length, size_t most);

/* The same without the quotes. */
bool buffer_json_escaped(struct buffer *b, const char *text, size_t length, size_t most);

/* The next item of a list with commas, without the blanks around it; `*at` is 0 at first. False at the end. */
bool text_next_item(const char *text, size_t length, size_t *at, const char **item, size_t *item_length);

/* Length of the well-formed UTF-8 sequence at `p`, or 0. */
size_t utf8_length(const char *p, size_t available);

/* The name with the fewest edits, or NULL when none is near. */
const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count);

#endif
