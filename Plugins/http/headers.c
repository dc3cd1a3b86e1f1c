/* The headers of a request: the job's own, those that follow from the request, secrets. */
#include <stdio.h>
#include <stdlib.h>

#include "request.h"
#include "secret.h"
#include "text.h"

static bool token(const char *text, size_t length) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    size_t i;
    for (i = 0; i < length; i++) {
        char c = ascii_lower(text[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr(others, c) != NULL))) return false;
    }
    return length > 0;
}

bool header_value_allowed(spindle_str value) {
    size_t i;
    for (i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F) return false;
    }
    return true;
}

static bool one_of(spindle_str name, const char *const *names, size_t count) {
    size_t i;
    for (i = 0; i < count; i++) {
        if (text_equal_nocase(name.ptr, name.len, names[i])) return true;
    }
    return false;
}

#define ONE_OF(name, names) one_of(name, names, sizeof(names) / sizeof *(names))

/* These frame the message or name the connection: a job that could set them could smuggle a second request. */
static const char *const reserved[] = {"Host",    "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
                                       "Upgrade", "TE",             "Trailer",           "Expect",     "HTTP2-Settings"};
/* All others that a job set may be credentials under any name (X-Api-Key), so they stay with the origin they were
 * meant for. */
static const char *const harmless[] = {"Accept",       "Accept-Encoding",  "Accept-Language",  "Cache-Control",
                                       "Content-Type", "Content-Encoding", "Content-Language", "User-Agent"};
static const char *const about_body[] = {"Content-Type", "Content-Encoding", "Content-Language", "Content-MD5", "Digest"};

static bool append(struct curl_slist **list, const char *line) {
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL) return false;
    *list = longer;
    return true;
}

static bool add_line(struct http_request *request, spindle_str name, const char *line, bool foreign) {
    bool body = ONE_OF(name, about_body);
    if (!append(&request->headers, line)) return false;
    if (!request->moves) return true;
    if (!body && !append(&request->bodiless_headers, line)) return false;
    if (foreign && !append(&request->foreign_headers, line)) return false;
    return !foreign || body || append(&request->foreign_bodiless_headers, line);
}

/* For libcurl: not to be sent. */
static bool add_everywhere(struct http_request *request, const char *line) {
    return append(&request->headers, line) && (!request->moves || append(&request->foreign_headers, line));
}

static bool add(struct http_request *request, spindle_str name, spindle_str value, bool foreign) {
    struct buffer line;
    bool added;
    buffer_init(&line, REQUEST_MOST_HEADER_BYTES);
    buffer_append(&line, name.ptr, name.len);
    /* For libcurl "Name:" means "leave it out" and "Name;" means "send it empty". */
    if (value.len == 0) {
        buffer_text(&line, ";");
    } else {
        buffer_text(&line, ": ");
        buffer_append(&line, value.ptr, value.len);
    }
    added = !line.failed && add_line(request, name, line.data, foreign);
    buffer_wipe(&line);
    return added;
}

static bool own_header(struct http_request *request, const struct templates *templates, const spindle_kv *parameter,
                       spindle_str name, struct request_fault *fault) {
    const spindle_request *source = templates->source;
    const char *error = "the header does not fit";
    struct buffer value;
    bool done;
    if (!token(name.ptr, name.len)) {
        return request_fail_as(fault, "http.parameter", parameter->key, "that is not the name of a header");
    }
    if (ONE_OF(name, reserved) || text_starts_nocase(name.ptr, name.len, "Proxy-")) {
        return request_fail_as(fault, "http.parameter", parameter->key, "that header is set by the executor alone");
    }
    if (text_equal_nocase(name.ptr, name.len, "Accept-Encoding")) request->own_accept_encoding = true;
    if (text_equal_nocase(name.ptr, name.len, "Authorization")) request->no_auth = true;
    buffer_init(&value, REQUEST_MOST_HEADER_BYTES);
    /* A value that refers to a secret is no template: what is put in could name another secret. */
    if (templates->headers && !secret_is(parameter->value)) {
        if (!template_expand(templates, TEMPLATE_TEXT, parameter->value, parameter->key, &value, fault)) {
            buffer_wipe(&value);
            return false;
        }
    } else if (!secret_expand(source, parameter->value, &value, &error)) {
        buffer_wipe(&value);
        return request_fail_as(fault, "http.parameter", parameter->key, error);
    }
    if (!header_value_allowed(spindle_str_make(value.data, value.length))) {
        done = request_fail_as(fault, "http.parameter", parameter->key, "the value holds a control character");
    } else {
        done = add(request, name, spindle_str_make(value.data, value.length), ONE_OF(name, harmless)) ||
               request_fail_as(fault, "http.parameter", parameter->key, "the header does not fit");
    }
    buffer_wipe(&value);
    return done;
}

/* Added unless the job set its own; one that could not be sent is left out, because the job did not ask for it. */
static bool extra(struct http_request *request, const spindle_request *source, const char *name, spindle_str value) {
    spindle_str header = spindle_str_from_cstr(name);
    if (value.len == 0 || parameter_of(source, F_HEADER, header) != NULL || !header_value_allowed(value)) return true;
    return add(request, header, value, true);
}

static size_t bytes_of(const struct curl_slist *list) {
    size_t bytes = 0;
    for (; list != NULL; list = list->next) bytes += strlen(list->data);
    return bytes;
}

static bool own_headers(struct http_request *request, const struct templates *templates, struct request_fault *fault) {
    const spindle_request *source = templates->source;
    size_t count = 0, bytes = 0, i;
    for (i = 0; i < source->parameter_count; i++) {
        const spindle_kv *parameter = &source->parameters[i];
        spindle_str name;
        if (!parameter_member(parameter, F_HEADER, &name)) continue;
        bytes += parameter->key.len + parameter->value.len;
        if (++count > REQUEST_MOST_HEADERS || bytes > REQUEST_MOST_HEADER_BYTES) {
            return request_fail_as(fault, "http.parameter", parameter->key, "more than 100 headers or 64 KiB of them");
        }
        if (!own_header(request, templates, parameter, name, fault)) return false;
    }
    /* Templates may have made more of them. */
    if (bytes_of(request->headers) > REQUEST_MOST_HEADER_BYTES + REQUEST_MOST_HEADERS * 4) {
        return request_fail(fault, "Template", "the headers come to more than 64 KiB");
    }
    return true;
}

bool request_read_headers(struct http_request *request, const spindle_request *source, const struct templates *templates,
                          struct request_fault *fault) {
    spindle_str type = spindle_str_make(request->body.type.data, request->body.type.length);
    spindle_str content_type = SPINDLE_STR("Content-Type");
    bool own_type = parameter_of(source, F_HEADER, content_type) != NULL;
    bool added = true;
    if (!header_value_allowed(type)) return request_fail(fault, "ContentType", "the content type holds a control character");
    if (!own_headers(request, templates, fault)) return false;
    /* libcurl would wait a second for "100 Continue" and would call a body of ours a form. */
    added = add_everywhere(request, "Expect:");
    if (!own_type && request->body.kind == BODY_BYTES && type.len > 0) {
        added = added && add(request, content_type, type, true);
    } else if (!own_type && request->body.kind != BODY_MULTIPART) {
        added = added && add_everywhere(request, "Content-Type:");
    }
    added = added && extra(request, source, "Idempotency-Key", source->idempotency_key) &&
            extra(request, source, "traceparent", source->traceparent) &&
            extra(request, source, "tracestate", source->traceparent.len == 0 ? source->traceparent : source->tracestate);
    if (added) return true;
    request_fail(fault, "", "out of memory");
    fault->status = SPINDLE_E_BUSY;
    return false;
}

void headers_wipe(struct curl_slist **list) {
    struct curl_slist *item;
    for (item = *list; item != NULL; item = item->next) explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(*list);
    *list = NULL;
}
