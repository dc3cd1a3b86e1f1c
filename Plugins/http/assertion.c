#include "assertion.h"

#include <stdlib.h>

#include "attempt.h"

#define MOST_SHOWN 200

bool assertions_read(struct assertions *a, const struct parameters *p, struct request_fault *fault) {
    const spindle_str *status = p->found[P_ASSERT_STATUS], *json = p->found[P_ASSERT_JSON];
    json_error_t error;
    const char *pointer;
    json_t *value;
    a->source = p->source;
    a->has_headers = p->members[F_ASSERT_HEADER] > 0;
    if (!parameter_choice(p, P_ASSERT_FAILURE, "permanent", "retryable", &a->retryable, fault)) return false;
    if (status != NULL) {
        a->has_status = true;
        a->status_text = *status;
        if (!status_set_parse(&a->status, status->ptr, status->len)) {
            return request_fail(fault, "Assert_Status", "has to list codes and ranges, such as 200,201,204-206 or 2xx");
        }
    }
    if (json == NULL) return true;
    a->json = json_loadb(json->ptr, json->len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(a->json)) {
        return request_fail(fault, "Assert_Json", "has to be a JSON object of pointers and values, such as {\"/state\": \"done\"}");
    }
    json_object_foreach(a->json, pointer, value) {
        if (!json_pointer_valid(pointer, strlen(pointer))) {
            return request_fail(fault, "Assert_Json", "each name has to be a JSON pointer (RFC 6901): empty, or beginning with /");
        }
    }
    return true;
}

void assertions_free(struct assertions *a) {
    json_decref(a->json);
    a->json = NULL;
}

bool json_pointer_valid(const char *pointer, size_t length) {
    size_t i;
    if (length > 0 && pointer[0] != '/') return false;
    for (i = 0; i < length; i++) {
        if (pointer[i] == '~' && (i + 1 == length || (pointer[i + 1] != '0' && pointer[i + 1] != '1'))) return false;
    }
    return true;
}

static json_t *step(json_t *here, const struct buffer *token) {
    int64_t index;
    if (json_is_object(here)) return json_object_getn(here, token->data, token->length);
    if (!json_is_array(here) || (token->length > 1 && token->data[0] == '0') ||
        !parse_decimal(token->data, token->length, INT32_MAX, &index)) {
        return NULL;
    }
    return json_array_get(here, (size_t)index);
}

json_t *json_at(json_t *here, const char *pointer, size_t length) {
    struct buffer token;
    size_t i = 0;
    while (here != NULL && i < length) {
        buffer_init(&token, length);
        buffer_append(&token, "", 0);
        for (i++; i < length && pointer[i] != '/'; i++) {
            bool escaped = pointer[i] == '~' && i + 1 < length;
            char c = !escaped ? pointer[i] : pointer[++i] == '0' ? '~' : '/';
            buffer_append(&token, &c, 1);
        }
        here = token.failed ? NULL : step(here, &token);
        buffer_free(&token);
    }
    return here;
}

json_t *json_of_body(const struct buffer *body) {
    json_error_t error;
    size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *read;
    if (body->length == 0) return NULL;
    read = json_loadb(body->data, body->length, flags, &error);
    /* An integer beyond 64 bits is no reason to give up on the rest. */
    if (read == NULL && json_error_code(&error) == json_error_numeric_overflow) {
        read = json_loadb(body->data, body->length, flags | JSON_DECODE_INT_AS_REAL, &error);
    }
    return read;
}

static void show(struct buffer *message, json_t *value) {
    char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL) buffer_text(message, "nothing");
    else buffer_append(message, text, strlen(text) < MOST_SHOWN ? strlen(text) : MOST_SHOWN);
    free(text);
}

static bool equal(json_t *expected, json_t *got) {
    if (json_is_number(expected) && json_is_number(got)) return json_number_value(expected) == json_number_value(got) &&
        (!json_is_integer(expected) || !json_is_integer(got) || json_integer_value(expected) == json_integer_value(got));
    return got != NULL && json_equal(expected, got) == 1;
}

static bool body_holds(const struct assertions *a, const struct response *response, struct buffer *message) {
    json_t *body = response->truncated ? NULL : json_of_body(&response->body), *expected;
    const char *pointer;
    bool holds = true;
    if (body == NULL) {
        buffer_text(message, response->truncated ? "Assert_Json expected JSON, got a body over MaxResponseBytes"
                                                 : "Assert_Json expected JSON, got a body that is not");
        return false;
    }
    json_object_foreach(a->json, pointer, expected) {
        json_t *got = json_at(body, pointer, strlen(pointer));
        if (equal(expected, got)) continue;
        buffer_format(message, "Assert_Json %.100s expected ", pointer[0] == '\0' ? "(the whole body)" : pointer);
        show(message, expected);
        buffer_text(message, ", got ");
        show(message, got);
        holds = false;
        break;
    }
    json_decref(body);
    return holds;
}

static bool headers_hold(const struct assertions *a, const struct response *response, struct buffer *message) {
    size_t i;
    for (i = 0; i < a->source->parameter_count; i++) {
        const spindle_kv *parameter = &a->source->parameters[i];
        char name[130];
        spindle_str wanted, got;
        if (!parameter_member(parameter, F_ASSERT_HEADER, &wanted)) continue;
        snprintf(name, sizeof name, "%.*s", (int)(wanted.len < 128 ? wanted.len : 128), wanted.ptr);
        if (!response_header(response, name, &got)) got = spindle_str_make(NULL, 0);
        else if (spindle_str_equal(got, parameter->value)) continue;
        buffer_format(message, "Assert_Header_%s expected ", name);
        buffer_json_string(message, parameter->value.ptr, parameter->value.len, MOST_SHOWN);
        buffer_text(message, ", got ");
        if (got.ptr == NULL) buffer_text(message, "no such header");
        else buffer_json_string(message, got.ptr, got.len, MOST_SHOWN);
        return false;
    }
    return true;
}

bool assertions_hold(const struct assertions *a, const struct response *response, struct buffer *message) {
    if (a->has_status && !status_set_has(&a->status, response->status)) {
        buffer_format(message, "Assert_Status expected %.*s, got %ld", (int)(a->status_text.len < 100 ? a->status_text.len : 100),
                      a->status_text.ptr, response->status);
        return false;
    }
    return (!a->has_headers || headers_hold(a, response, message)) && (a->json == NULL || body_holds(a, response, message));
}
