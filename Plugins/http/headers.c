/* The headers of a request: the job's own, those that follow from the request, secrets. */
#include <stdio.h>
#include <stdlib.h>

#include "request.h"
#include "text.h"

#define PREFIX_LENGTH 7 /* Header_ */

static bool token(const char *text, size_t length) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    size_t i;
    for (i = 0; i < length; i++) {
        char c = ascii_lower(text[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr(others, c) != NULL))) return false;
    }
    return length > 0;
}

static bool field_value(spindle_str value) {
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
    if (!body && !append(&request->bodiless_headers, line)) return false;
    if (foreign && !append(&request->foreign_headers, line)) return false;
    return !foreign || body || append(&request->foreign_bodiless_headers, line);
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

/* `secret://NAME` or `Bearer secret://NAME`: jobs hold only the reference, the value never leaves this function but in
 * the request itself. */
static bool expand_secret(const spindle_request *source, spindle_str value, struct buffer *expanded, const char **error) {
    spindle_str name, secret = {NULL, 0};
    size_t at;
    if (!spindle_secret_name(value, &name, &at)) return buffer_append(expanded, value.ptr, value.len);
    if (!SPINDLE_OFFERS(source->host, secret_get) ||
        source->host->secret_get(source->ctx, source->handle, name, &secret) != SPINDLE_OK) {
        *error = "the secret is not granted to this job";
        return false;
    }
    /* Secrets are often read from files that end with a line feed. */
    while (secret.len > 0 && (secret.ptr[secret.len - 1] == '\n' || secret.ptr[secret.len - 1] == '\r')) secret.len--;
    if (!field_value(secret)) {
        *error = "the secret holds control characters";
        return false;
    }
    buffer_append(expanded, value.ptr, at);
    return buffer_append(expanded, secret.ptr, secret.len);
}

static bool own_header(struct http_request *request, const spindle_request *source, const spindle_kv *parameter,
                       struct request_fault *fault) {
    spindle_str name = spindle_str_make(parameter->key.ptr + PREFIX_LENGTH, parameter->key.len - PREFIX_LENGTH);
    const char *error = "the header does not fit";
    struct buffer value;
    char key[140];
    bool added;
    snprintf(key, sizeof key, "%.*s", (int)parameter->key.len, parameter->key.ptr);
    if (!token(name.ptr, name.len)) return request_fail(fault, key, "that is not the name of a header");
    if (ONE_OF(name, reserved) || text_starts_nocase(name.ptr, name.len, "Proxy-")) {
        return request_fail(fault, key, "that header is set by the executor alone");
    }
    if (!field_value(parameter->value)) return request_fail(fault, key, "the value holds a control character");
    if (text_equal_nocase(name.ptr, name.len, "Accept-Encoding")) request->own_accept_encoding = true;
    buffer_init(&value, REQUEST_MOST_HEADER_BYTES);
    added = expand_secret(source, parameter->value, &value, &error) &&
            add(request, name, spindle_str_make(value.data, value.length), ONE_OF(name, harmless));
    buffer_wipe(&value);
    return added || request_fail(fault, key, error);
}

static bool is_header(const spindle_kv *parameter) {
    return text_starts_nocase(parameter->key.ptr, parameter->key.len, "Header_");
}

static const spindle_kv *own(const spindle_request *source, const char *name, const spindle_kv *before) {
    size_t i;
    for (i = 0; i < source->parameter_count && &source->parameters[i] != before; i++) {
        const spindle_kv *parameter = &source->parameters[i];
        if (is_header(parameter) &&
            text_equal_nocase(parameter->key.ptr + PREFIX_LENGTH, parameter->key.len - PREFIX_LENGTH, name)) {
            return parameter;
        }
    }
    return NULL;
}

/* Added unless the job set its own; one that could not be sent is left out, because the job did not ask for it. */
static bool extra(struct http_request *request, const spindle_request *source, const char *name, spindle_str value) {
    if (value.len == 0 || own(source, name, NULL) != NULL || !field_value(value)) return true;
    return add(request, spindle_str_from_cstr(name), value, true);
}

bool request_read_headers(struct http_request *request, const spindle_request *source, const spindle_str *content_type,
                          struct request_fault *fault) {
    spindle_str type = content_type != NULL ? *content_type : spindle_str_from_cstr("");
    const spindle_kv *own_type = own(source, "Content-Type", NULL);
    size_t count = 0, bytes = 0, i;
    if (!field_value(type)) return request_fail(fault, "ContentType", "the content type holds a control character");
    for (i = 0; i < source->parameter_count; i++) {
        const spindle_kv *parameter = &source->parameters[i];
        char name[140];
        if (!is_header(parameter)) continue;
        snprintf(name, sizeof name, "%.*s", (int)parameter->key.len, parameter->key.ptr);
        bytes += parameter->key.len + parameter->value.len;
        if (++count > REQUEST_MOST_HEADERS || bytes > REQUEST_MOST_HEADER_BYTES) {
            return request_fail(fault, name, "more than 100 headers or 64 KiB of them");
        }
        if (parameter->key.len > PREFIX_LENGTH && own(source, name + PREFIX_LENGTH, parameter) != NULL) {
            return request_fail(fault, name, "the header is given twice");
        }
        if (!own_header(request, source, parameter, fault)) return false;
    }
    /* libcurl would wait a second for "100 Continue" and would call a body of ours a form. */
    if (!append(&request->headers, "Expect:") || !append(&request->foreign_headers, "Expect:")) {
        return request_fail(fault, "", "out of memory");
    }
    if (own_type == NULL && request->has_body && !extra(request, source, "Content-Type", type)) {
        return request_fail(fault, "", "out of memory");
    }
    if (own_type == NULL && (!request->has_body || type.len == 0)) {
        if (!append(&request->headers, "Content-Type:") || !append(&request->foreign_headers, "Content-Type:")) {
            return request_fail(fault, "", "out of memory");
        }
    }
    if (!extra(request, source, "Idempotency-Key", source->idempotency_key) ||
        !extra(request, source, "traceparent", source->traceparent) ||
        !extra(request, source, "tracestate", source->traceparent.len == 0 ? source->traceparent : source->tracestate)) {
        return request_fail(fault, "", "out of memory");
    }
    return true;
}
