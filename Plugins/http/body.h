/* The body of a request: bytes, a form, or a form with files. */
#ifndef SPINDLE_HTTP_BODY_H
#define SPINDLE_HTTP_BODY_H

#include <curl/curl.h>

#include "config.h"
#include "parameters.h"
#include "template.h"

enum body_kind { BODY_NONE, BODY_BYTES, BODY_MULTIPART };

#define BODY_MOST_PARTS 256

/* A field of a multipart form. */
struct part {
    char *name;
    char *file_name, *file_type; /* of a file */
    bool is_file;
    struct buffer text;  /* of a field, may hold a secret */
    spindle_str payload; /* of a file that is the job's payload */
    int fd;              /* of any other file, else -1 */
    int64_t size, at;
};

struct body {
    enum body_kind kind;
    spindle_str bytes;        /* the host's, or `own` */
    struct buffer own;        /* may hold a secret */
    struct buffer type;       /* content type of `bytes` */
    bool secret;              /* has one in it: it does not go to another origin */
    struct part *parts;
    size_t part_count;
};

/* Reads Body, ContentType, Form_NAME, File_NAME and the payload. */
bool body_read(struct body *body, const struct parameters *parameters, const struct templates *templates,
               const struct config *config, struct request_fault *fault);
void body_free(struct body *body);
/* A new multipart form for one transfer; NULL without memory. A file that ends early aborts it (CURLE_ABORTED_BY_CALLBACK). */
curl_mime *body_mime(struct body *body, CURL *easy);

/* upload.c: opens a regular file beneath the directory, following no link. -1: *error says why. */
int upload_open(int directory, spindle_str path, int64_t most, int64_t *size, const char **error);

#endif
