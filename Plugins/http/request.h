/* What a job asks for, read from its parameters. */
#ifndef SPINDLE_HTTP_REQUEST_H
#define SPINDLE_HTTP_REQUEST_H

#include <curl/curl.h>
#include <spindle/executor.h>

#include "assertion.h"
#include "body.h"
#include "config.h"
#include "fault.h"
#include "parameters.h"
#include "status_set.h"
#include "template.h"
#include "url.h"

#define REQUEST_MOST_HEADERS 100
#define REQUEST_MOST_HEADER_BYTES 65536

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE };

struct poll_settings {
    bool wanted;
    int64_t interval_ms;
    int64_t deadline_ms; /* from the 202 on */
    bool has_state;
    spindle_str state; /* JSON pointer; this and the lists are the job's parameters */
    spindle_str done, failed;
};

struct http_request {
    struct url url;
    enum method method;
    struct body body;
    struct status_set expected, retry;
    struct status_set wanted; /* that the job names: these are no redirects, and no reason for a new token */
    bool follow;
    int64_t max_redirects;
    int64_t max_response_bytes;
    int64_t connect_timeout_ms;
    bool save_body;
    bool no_auth;             /* the job does without the configured credentials, or has its own */
    bool own_accept_encoding; /* the job wants the bytes as they are sent */
    struct assertions assertions;
    struct poll_settings poll;
    struct curl_slist *headers;
    bool moves; /* it may follow a redirect or poll: the lists below are made only then */
    struct curl_slist *foreign_headers; /* those that may be sent to another origin after a redirect */
    struct curl_slist *bodiless_headers, *foreign_bodiless_headers; /* the same without those about the body */
};

extern const char parameters_schema[];
const char *method_name(enum method method);

/* On failure nothing has to be freed. */
bool request_read(struct http_request *request, const spindle_request *source, const struct config *config,
                  struct request_fault *fault);
void request_free(struct http_request *request);

/* headers.c */
bool request_read_headers(struct http_request *request, const spindle_request *source, const struct templates *templates,
                          struct request_fault *fault);
/* Overwrites and frees them: they may hold secrets. */
void headers_wipe(struct curl_slist **list);
/* Whether the text may be the value of a header. */
bool header_value_allowed(spindle_str value);

#endif
