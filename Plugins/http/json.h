/* A strict, bounded JSON reader (RFC 8259) for configurations. */
#ifndef SPINDLE_HTTP_JSON_H
#define SPINDLE_HTTP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_node {
    enum json_type type;
    const char *key;  /* of a member; ends with NUL and holds none */
    const char *text; /* of a string; as above */
    bool boolean;
    bool is_integer; /* fits int64_t and was written without fraction and exponent */
    int64_t integer;
    struct json_node *first; /* member or element */
    struct json_node *next;
};

struct json_document {
    struct json_node *root;
    const char *error; /* NULL when it was read */
    size_t error_offset;
    struct json_node *nodes;
    char *text;
};

#define JSON_MOST_BYTES 65536
#define JSON_MOST_DEPTH 16
#define JSON_MOST_NODES 4096

/* Refuses duplicate keys, invalid UTF-8, lone surrogates, U+0000 and anything after the value. */
bool json_read(struct json_document *document, const char *source, size_t length);
void json_free(struct json_document *document);

#endif
