#include "outcome.h"

#include <stdio.h>
#include <time.h>

#include "loop.h"
#include "retry_after.h"
#include "thread.h"

#define MOST_DETAIL_BODY 2048

/* The URL without its query, which often carries credentials. */
static void put_place(struct buffer *details, const struct attempt *a) {
    buffer_format(details, "\"method\":\"%s\",\"url\":", method_name(a->method));
    buffer_json_string(details, a->url.text, strcspn(a->url.text, "?#"), 2048);
}

static void complete(struct attempt *a, const struct spindle_result *given, const struct spindle_error *error,
                     bool with_metadata) {
    /* One for all: outcomes are made on the loop's thread alone. */
    struct metadata *metadata = with_metadata ? a->instance->metadata : NULL;
    spindle_result result = *given;
    result.struct_size = (uint32_t)sizeof result;
    result.error = error;
    a->timings.total_ms = (clock_mono_ns() - a->started_ns) / 1000000;
    if (metadata != NULL) {
        metadata_fill(metadata, a);
        result.metadata = metadata->entries;
        result.metadata_count = metadata->count;
    }
    loop_retire(a);
    (void)a->host->complete(a->ctx, a->handle, &result);
    /* Nothing of `a` from here on: release may already run. */
}

void outcome_error(struct attempt *a, int32_t outcome, const char *code, const char *message, const char *reason) {
    spindle_result result = {.outcome = outcome, .retry_after_ms = -1};
    spindle_error error = {.struct_size = sizeof error, .outcome = outcome};
    bool hidden = strcmp(code, "http.address") == 0;
    struct buffer details;
    buffer_init(&details, 8192);
    if (a->url.text != NULL) {
        buffer_text(&details, "{");
        put_place(&details, a);
        if (reason != NULL) {
            buffer_text(&details, ",\"reason\":");
            buffer_json_string(&details, reason, strlen(reason), 512);
        }
        buffer_text(&details, "}");
    }
    error.code = spindle_str_from_cstr(code);
    error.message = spindle_str_from_cstr(message);
    if (!details.failed) error.details = spindle_str_make(details.data, details.length);
    complete(a, &result, &error, !hidden && a->url.text != NULL);
    buffer_free(&details);
}

void outcome_curl(struct attempt *a, CURLcode code) {
    const char *reason = a->curl_error[0] != '\0' ? a->curl_error : curl_easy_strerror(code);
    char copy[CURL_ERROR_SIZE];
    snprintf(copy, sizeof copy, "%s", reason);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        outcome_error(a, SPINDLE_RETRYABLE, "http.timeout",
                      a->timings.connect_ms == 0 ? "the connection was not made in time" : "the request took too long", NULL);
        return;
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
        outcome_error(a, SPINDLE_RETRYABLE, "http.connect", "the connection could not be made", NULL);
        return;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        outcome_error(a, SPINDLE_RETRYABLE, "http.dns", "the host's name could not be resolved", NULL);
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        outcome_error(a, SPINDLE_PERMANENT, "http.tls.certificate", "the server's certificate was not accepted", copy);
        return;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_SHUTDOWN_FAILED:
        outcome_error(a, SPINDLE_RETRYABLE, "http.tls", "the TLS handshake failed", copy);
        return;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        outcome_error(a, SPINDLE_RETRYABLE, "http.connection", "the connection broke before the response was whole", copy);
        return;
    case CURLE_BAD_CONTENT_ENCODING:
        outcome_error(a, SPINDLE_PERMANENT, "http.encoding", "the body's coding is damaged", copy);
        return;
    case CURLE_ABORTED_BY_CALLBACK:
        outcome_error(a, SPINDLE_PERMANENT, "http.file", "a file of the form became shorter while it was sent", NULL);
        return;
    case CURLE_SSL_CERTPROBLEM:
        outcome_error(a, SPINDLE_PERMANENT, "http.tls.certificate",
                      "the configured client certificate or its key cannot be used", copy);
        return;
    case CURLE_OUT_OF_MEMORY:
        outcome_error(a, SPINDLE_RETRYABLE, "http.internal", "out of memory", NULL);
        return;
    default: outcome_error(a, SPINDLE_PERMANENT, "http.protocol", "the server's answer is not proper HTTP", copy);
    }
}

static void put_status_details(struct buffer *details, const struct attempt *a) {
    const struct buffer *body = &a->response.body;
    buffer_format(details, "{\"status\":%ld,", a->response.status);
    put_place(details, a);
    buffer_text(details, ",\"body\":");
    buffer_json_string(details, body->data, body->length, MOST_DETAIL_BODY);
    buffer_format(details, ",\"bodyTruncated\":%s}",
                  body->length > MOST_DETAIL_BODY || a->response.truncated ? "true" : "false");
}

void outcome_rejected(struct attempt *a, int32_t outcome, const char *code, const char *message) {
    const struct response *r = &a->response;
    spindle_result result = {.outcome = outcome, .retry_after_ms = -1};
    spindle_error error = {.struct_size = sizeof error, .outcome = outcome};
    struct buffer details;
    spindle_str value;
    result.output = spindle_str_make(r->body.data, r->body.length);
    if (response_header(r, "content-type", &value) && value.len <= SPINDLE_MAX_NAME_BYTES) result.content_type = value;
    if (outcome == SPINDLE_RETRYABLE && response_header(r, "retry-after", &value)) {
        result.retry_after_ms = retry_after_ms(value.ptr, value.len, (int64_t)time(NULL));
    }
    buffer_init(&details, SPINDLE_MAX_DETAILS_BYTES);
    put_status_details(&details, a);
    error.code = spindle_str_from_cstr(code);
    error.message = spindle_str_from_cstr(message);
    if (!details.failed) error.details = spindle_str_make(details.data, details.length);
    complete(a, &result, &error, true);
    buffer_free(&details);
}

void outcome_response(struct attempt *a) {
    const struct response *r = &a->response;
    spindle_result result = {.outcome = SPINDLE_SUCCESS, .retry_after_ms = -1};
    char code[32], message[2200];
    struct buffer unmet;
    spindle_str value;
    if (!status_set_has(&a->request.expected, r->status)) {
        snprintf(code, sizeof code, "http.status.%ld", r->status);
        snprintf(message, sizeof message, "the server answered %ld to %s", r->status, method_name(a->method));
        outcome_rejected(a, status_set_has(&a->request.retry, r->status) ? SPINDLE_RETRYABLE : SPINDLE_PERMANENT, code, message);
        return;
    }
    buffer_init(&unmet, 2048);
    if (!assertions_hold(&a->request.assertions, r, &unmet)) {
        snprintf(message, sizeof message, "the response is not as asserted: %s", unmet.data != NULL ? unmet.data : "");
        buffer_free(&unmet);
        outcome_rejected(a, a->request.assertions.retryable ? SPINDLE_RETRYABLE : SPINDLE_PERMANENT, "http.assert", message);
        return;
    }
    buffer_free(&unmet);
    result.output = spindle_str_make(r->body.data, r->body.length);
    if (response_header(r, "content-type", &value) && value.len <= SPINDLE_MAX_NAME_BYTES) result.content_type = value;
    complete(a, &result, NULL, true);
}
