#include "request.h"

#include <stdio.h>

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

const char *method_name(enum method method) {
    return methods[method];
}

static bool read_method(struct http_request *request, const spindle_str *text, struct request_fault *fault) {
    bool has_body = request->body.kind != BODY_NONE;
    size_t i;
    if (text == NULL) {
        request->method = has_body ? METHOD_POST : METHOD_GET;
        return true;
    }
    for (i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (text_equal_nocase(text->ptr, text->len, methods[i])) break;
    }
    if (i == sizeof methods / sizeof *methods) {
        return request_fail(fault, "Method", "has to be GET, HEAD, POST, PUT, PATCH or DELETE");
    }
    request->method = (enum method)i;
    if (has_body && request->method <= METHOD_HEAD) {
        return request_fail(fault, "Method", "GET and HEAD carry no body; the job has one");
    }
    return true;
}

static bool read_set(const struct parameters *p, enum parameter which, struct status_set *set, struct request_fault *fault) {
    const spindle_str *text = p->found[which];
    if (text == NULL || status_set_parse(set, text->ptr, text->len)) return true;
    return request_fail(fault, parameter_name(which), "has to list codes and ranges, such as 200,201,204-206 or 2xx");
}

static bool read_statuses(struct http_request *request, const struct parameters *p, struct request_fault *fault) {
    const spindle_str *retry = p->found[P_RETRY];
    status_set_default(&request->expected);
    (void)status_set_parse(&request->retry, "408,429,500-599", 15);
    if (retry != NULL && text_equal_nocase(retry->ptr, retry->len, "none")) memset(&request->retry, 0, sizeof request->retry);
    else if (!read_set(p, P_RETRY, &request->retry, fault)) return false;
    if (!assertions_read(&request->assertions, p, fault)) return false;
    if (!read_set(p, P_EXPECTED, &request->expected, fault)) return false;
    request->wanted = request->expected;
    if (p->found[P_EXPECTED] != NULL) return true;
    /* An assertion on the status judges all that is not to be retried anyway. */
    if (request->assertions.has_status) {
        status_set_all_but(&request->expected, &request->retry);
        status_set_join(&request->expected, &request->assertions.status);
        request->wanted = request->assertions.status;
    }
    return true;
}

static bool read_poll(struct poll_settings *poll, const struct parameters *p, struct request_fault *fault) {
    static const enum parameter own[] = {P_POLL_INTERVAL, P_POLL_DEADLINE, P_POLL_STATE, P_POLL_DONE, P_POLL_FAILED};
    size_t i;
    poll->interval_ms = 2000;
    poll->deadline_ms = 3600000;
    poll->done = SPINDLE_STR("succeeded");
    poll->failed = SPINDLE_STR("failed,cancelled");
    if (!parameter_choice(p, P_ASYNC, "none", "poll", &poll->wanted, fault) ||
        !parameter_integer(p, P_POLL_INTERVAL, 100, 3600000, &poll->interval_ms, fault) ||
        !parameter_integer(p, P_POLL_DEADLINE, 1, INT64_C(2592000000), &poll->deadline_ms, fault)) {
        return false;
    }
    for (i = 0; i < sizeof own / sizeof *own && !poll->wanted; i++) {
        if (p->found[own[i]] != NULL) return request_fail(fault, parameter_name(own[i]), "means nothing without Async=poll");
    }
    if (p->found[P_POLL_DONE] != NULL) poll->done = *p->found[P_POLL_DONE];
    if (p->found[P_POLL_FAILED] != NULL) poll->failed = *p->found[P_POLL_FAILED];
    poll->has_state = p->found[P_POLL_STATE] != NULL;
    if (!poll->has_state) {
        if (p->found[P_POLL_DONE] == NULL && p->found[P_POLL_FAILED] == NULL) return true;
        return request_fail(fault, "PollState", "is needed for PollDone and PollFailed: a JSON pointer to the state");
    }
    poll->state = *p->found[P_POLL_STATE];
    return json_pointer_valid(poll->state.ptr, poll->state.len) ||
           request_fail(fault, "PollState", "has to be a JSON pointer (RFC 6901) such as /status");
}

static bool read_url(struct http_request *request, const struct templates *templates, struct request_fault *fault) {
    spindle_str target = templates->source->target, nothing = {NULL, 0};
    const char *error = NULL;
    struct buffer expanded;
    bool read;
    buffer_init(&expanded, URL_MOST_BYTES);
    if (templates->target) {
        if (!template_expand(templates, TEMPLATE_TARGET, target, nothing, &expanded, fault)) {
            buffer_free(&expanded);
            return false;
        }
        target = spindle_str_make(expanded.data, expanded.length);
    }
    read = url_parse(&request->url, target.ptr, target.len, &error);
    if (!read) request_fail_as(fault, "http.url", nothing, error);
    buffer_free(&expanded);
    return read;
}

static bool read_all(struct http_request *request, const spindle_request *source, const struct config *config,
                     struct request_fault *fault) {
    struct parameters p;
    struct templates templates;
    bool again;
    if (!parameters_collect(&p, source, fault) || !templates_read(&templates, &p, fault) ||
        !read_poll(&request->poll, &p, fault)) {
        return false;
    }
    /* Accepted by the server in an earlier attempt: only asking is left, and what was sent may be gone. */
    again = request->poll.wanted && source->checkpoint.len > 0;
    templates.secret = &request->body.secret; /* of what is put into the body only */
    if (!again && !body_read(&request->body, &p, &templates, config, fault)) return false;
    templates.secret = NULL;
    if ((!again && !read_method(request, p.found[P_METHOD], fault)) ||
        !parameter_choice(&p, P_FOLLOW, "false", "true", &request->follow, fault) ||
        !parameter_choice(&p, P_SAVE, "none", "artefact", &request->save_body, fault) ||
        !parameter_choice(&p, P_AUTH, "configured", "none", &request->no_auth, fault) ||
        !parameter_integer(&p, P_MAX_REDIRECTS, 1, 10, &request->max_redirects, fault) ||
        !parameter_integer(&p, P_MAX_BYTES, 0, SPINDLE_MAX_OUTPUT_BYTES, &request->max_response_bytes, fault) ||
        !parameter_integer(&p, P_CONNECT, 1, 600000, &request->connect_timeout_ms, fault)) {
        return false;
    }
    request->moves = request->follow || request->poll.wanted;
    return read_statuses(request, &p, fault) && request_read_headers(request, source, &templates, fault) && read_url(request, &templates, fault);
}

bool request_read(struct http_request *request, const spindle_request *source, const struct config *config,
                  struct request_fault *fault) {
    memset(request, 0, sizeof *request);
    memset(fault, 0, sizeof *fault);
    request->max_redirects = 3;
    request->max_response_bytes = SPINDLE_MAX_OUTPUT_BYTES;
    request->connect_timeout_ms = 10000;
    if (read_all(request, source, config, fault)) return true;
    request_free(request);
    return false;
}

void request_free(struct http_request *request) {
    headers_wipe(&request->headers);
    headers_wipe(&request->foreign_headers);
    headers_wipe(&request->bodiless_headers);
    headers_wipe(&request->foreign_bodiless_headers);
    body_free(&request->body);
    assertions_free(&request->assertions);
    url_free(&request->url);
}
