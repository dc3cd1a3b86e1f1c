#include "request.h"

#include <stdio.h>

#include "text.h"

const char parameters_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"properties\":{"
    "\"Method\":{\"type\":\"string\",\"description\":\"GET, HEAD, POST, PUT, PATCH or DELETE. POST if there is a body, else GET.\"},"
    "\"Body\":{\"type\":\"string\",\"description\":\"The body as text. The job's payload is the other way to give one.\"},"
    "\"ContentType\":{\"type\":\"string\",\"description\":\"Of the body; application/json for Body, the payload's own for a "
    "payload.\"},"
    "\"ExpectedStatus\":{\"type\":\"string\",\"default\":\"200-299\",\"description\":\"Codes that are a success: "
    "200,201,204-206 or 2xx.\"},"
    "\"FollowRedirects\":{\"type\":\"boolean\",\"default\":false},"
    "\"MaxRedirects\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10,\"default\":3},"
    "\"MaxResponseBytes\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1048576,\"default\":1048576,\"description\":\"Longest "
    "output; the rest of the body is cut off.\"},"
    "\"ConnectTimeoutMs\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":600000,\"default\":10000},"
    "\"SaveBody\":{\"enum\":[\"none\",\"artefact\"],\"default\":\"none\",\"description\":\"artefact: a body over MaxResponseBytes "
    "is kept whole as the artefact body.\"}},"
    "\"patternProperties\":{\"^[Hh][Ee][Aa][Dd][Ee][Rr]_.+$\":{\"type\":\"string\",\"description\":\"The header named behind the "
    "underscore; the value may be secret://NAME or Bearer secret://NAME.\"}}}";

enum { P_METHOD, P_BODY, P_CONTENT_TYPE, P_EXPECTED, P_FOLLOW, P_MAX_REDIRECTS, P_MAX_BYTES, P_CONNECT, P_SAVE, P_COUNT };

static const char *const names[P_COUNT] = {
    "Method",       "Body",             "ContentType",      "ExpectedStatus", "FollowRedirects",
    "MaxRedirects", "MaxResponseBytes", "ConnectTimeoutMs", "SaveBody",
};
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

const char *method_name(enum method method) {
    return methods[method];
}

bool request_fail(struct request_fault *fault, const char *name, const char *message) {
    fault->status = SPINDLE_E_INVALID;
    fault->code = "http.parameter";
    /* Neither '~' nor '/' can be in a parameter's name, so the pointer needs no escapes. */
    snprintf(fault->pointer, sizeof fault->pointer, "%s%s", name[0] == '\0' ? "" : "/", name);
    snprintf(fault->message, sizeof fault->message, "%.140s%s%s", name, name[0] == '\0' ? "" : ": ", message);
    return false;
}

/* The original system ignored what it did not know, so jobs may carry anything; a slip should still be findable. */
static void note_unknown(const spindle_request *source, spindle_str key) {
    const char *near;
    char line[320];
    if (SPINDLE_OFFERS(source->host, log_enabled) &&
        source->host->log_enabled(source->ctx, source->handle, SPINDLE_LOG_DEBUG) != 1) {
        return;
    }
    near = nearest_name(key.ptr, key.len, names, P_COUNT);
    snprintf(line, sizeof line, "parameter \"%.*s\" is not known and was ignored%s%s%s", (int)key.len, key.ptr,
             near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
    spindle_log(source, SPINDLE_LOG_DEBUG, line);
}

static bool collect(const spindle_str *found[P_COUNT], const spindle_request *source, struct request_fault *fault) {
    size_t i, j;
    for (i = 0; i < source->parameter_count; i++) {
        const spindle_kv *parameter = &source->parameters[i];
        if (text_starts_nocase(parameter->key.ptr, parameter->key.len, "Header_")) continue;
        for (j = 0; j < P_COUNT && !text_equal_nocase(parameter->key.ptr, parameter->key.len, names[j]); j++) {
        }
        if (j == P_COUNT) {
            note_unknown(source, parameter->key);
            continue;
        }
        if (found[j] != NULL) return request_fail(fault, names[j], "given twice, with letters of different case");
        found[j] = &parameter->value;
    }
    return true;
}

static bool read_integer(const spindle_str *const *found, int which, int64_t least, int64_t most, int64_t *value,
                         struct request_fault *fault) {
    char message[80];
    if (found[which] == NULL) return true;
    if (parse_decimal(found[which]->ptr, found[which]->len, most, value) && *value >= least) return true;
    snprintf(message, sizeof message, "has to be a whole number from %lld to %lld", (long long)least, (long long)most);
    return request_fail(fault, names[which], message);
}

static bool read_method(struct http_request *request, const spindle_str *text, struct request_fault *fault) {
    size_t i;
    if (text == NULL) {
        request->method = request->has_body ? METHOD_POST : METHOD_GET;
        return true;
    }
    for (i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (text_equal_nocase(text->ptr, text->len, methods[i])) break;
    }
    if (i == sizeof methods / sizeof *methods) {
        return request_fail(fault, names[P_METHOD], "has to be GET, HEAD, POST, PUT, PATCH or DELETE");
    }
    request->method = (enum method)i;
    if (request->has_body && request->method <= METHOD_HEAD) {
        return request_fail(fault, names[P_METHOD], "GET and HEAD carry no body; the job has one");
    }
    return true;
}

static bool read_choice(const spindle_str *const *found, int which, const char *no, const char *yes, bool *value,
                        struct request_fault *fault) {
    char message[64];
    if (found[which] == NULL) return true;
    *value = text_equal_nocase(found[which]->ptr, found[which]->len, yes);
    if (*value || text_equal_nocase(found[which]->ptr, found[which]->len, no)) return true;
    snprintf(message, sizeof message, "has to be %s or %s", no, yes);
    return request_fail(fault, names[which], message);
}

static bool read_all(struct http_request *request, const spindle_request *source, struct request_fault *fault) {
    const spindle_str *found[P_COUNT] = {NULL};
    const spindle_str *content_type;
    spindle_str json = SPINDLE_STR("application/json"), octets = SPINDLE_STR("application/octet-stream");
    const char *error = NULL;
    if (!collect(found, source, fault)) return false;
    if (found[P_BODY] != NULL && source->payload.len > 0) {
        return request_fail(fault, names[P_BODY], "the job has a payload too; only one of them can be the body");
    }
    request->has_body = found[P_BODY] != NULL || source->payload.len > 0;
    request->body = found[P_BODY] != NULL ? *found[P_BODY] : source->payload;
    content_type = found[P_CONTENT_TYPE];
    if (content_type == NULL) {
        content_type = found[P_BODY] != NULL ? &json : source->content_type.len > 0 ? &source->content_type : &octets;
    }
    if (!read_method(request, found[P_METHOD], fault) ||
        !read_choice(found, P_FOLLOW, "false", "true", &request->follow, fault) ||
        !read_choice(found, P_SAVE, "none", "artefact", &request->save_body, fault) ||
        !read_integer(found, P_MAX_REDIRECTS, 1, 10, &request->max_redirects, fault) ||
        !read_integer(found, P_MAX_BYTES, 0, SPINDLE_MAX_OUTPUT_BYTES, &request->max_response_bytes, fault) ||
        !read_integer(found, P_CONNECT, 1, 600000, &request->connect_timeout_ms, fault)) {
        return false;
    }
    if (found[P_EXPECTED] != NULL &&
        !status_set_parse(&request->expected, found[P_EXPECTED]->ptr, found[P_EXPECTED]->len)) {
        return request_fail(fault, names[P_EXPECTED], "has to list codes and ranges, such as 200,201,204-206 or 2xx");
    }
    if (!request_read_headers(request, source, content_type, fault)) return false;
    if (!url_parse(&request->url, source->target.ptr, source->target.len, &error)) {
        request_fail(fault, "", error);
        fault->code = "http.url";
        return false;
    }
    return true;
}

bool request_read(struct http_request *request, const spindle_request *source, struct request_fault *fault) {
    memset(request, 0, sizeof *request);
    memset(fault, 0, sizeof *fault);
    request->max_redirects = 3;
    request->max_response_bytes = SPINDLE_MAX_OUTPUT_BYTES;
    request->connect_timeout_ms = 10000;
    status_set_default(&request->expected);
    if (read_all(request, source, fault)) return true;
    request_free(request);
    return false;
}

static void free_list(struct curl_slist **list) {
    struct curl_slist *item;
    /* Headers may hold secrets. */
    for (item = *list; item != NULL; item = item->next) explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(*list);
    *list = NULL;
}

void request_free(struct http_request *request) {
    free_list(&request->headers);
    free_list(&request->foreign_headers);
    free_list(&request->bodiless_headers);
    free_list(&request->foreign_bodiless_headers);
    url_free(&request->url);
}
