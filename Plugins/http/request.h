/* What a job asks for, read from its parameters. */
#ifndef SPINDLE_HTTP_REQUEST_H
#define SPINDLE_HTTP_REQUEST_H

#include <curl/curl.h>
#include <spindle/executor.h>

#include "status_set.h"
#include "url.h"

#define REQUEST_MOST_HEADERS 100
#define REQUEST_MOST_HEADER_BYTES 65536

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE };

struct http_request {
    struct url url;
    enum method method;
    bool has_body;
    spindle_str body; /* borrowed from the host's request */
    struct status_set expected;
    bool follow;
    int64_t max_redirects;
    int64_t max_response_bytes;
    int64_t connect_timeout_ms; /* -1 = the default */
    bool save_body;
    bool own_accept_encoding; /* the job wants the bytes as they are sent */
    struct curl_slist *headers;
    struct curl_slist *foreign_headers; /* those that may be sent to another origin after a redirect */
    struct curl_slist *bodiless_headers, *foreign_bodiless_headers; /* the same without those about the body */
};

struct request_fault {
    spindle_status status; /* what execute returns */
    const char *code;
    char message[256];
    char pointer[160];
};

extern const char parameters_schema[];
const char *method_name(enum method method);

/* On failure nothing has to be freed. */
bool request_read(struct http_request *request, const spindle_request *source, struct request_fault *fault);
void request_free(struct http_request *request);

/* Shared by request.c and headers.c. */
bool request_fail(struct request_fault *fault, const char *name, const char *message);
bool request_read_headers(struct http_request *request, const spindle_request *source, const spindle_str *content_type,
                          struct request_fault *fault);

#endif
