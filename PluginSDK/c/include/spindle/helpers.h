/*
 * Shorthands for plugins in C and C++. Nothing here is part of the ABI: it is compiled into the plugin.
 * <spindle/executor.h> includes this file.
 */
#ifndef SPINDLE_HELPERS_H
#define SPINDLE_HELPERS_H

#include "executor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A spindle_str of a string literal: as an expression, and as an initialiser of static data. */
#define SPINDLE_STR_INIT(literal) { "" literal "", sizeof(literal) - 1 }
#ifdef __cplusplus
#define SPINDLE_STR(literal) (spindle_str SPINDLE_STR_INIT(literal))
#else
#define SPINDLE_STR(literal) ((spindle_str)SPINDLE_STR_INIT(literal))
#endif

static inline spindle_str spindle_str_make(const char *ptr, size_t len) {
    spindle_str s;
    s.ptr = ptr;
    s.len = len;
    return s;
}

/* NULL gives the empty string. */
static inline spindle_str spindle_str_from_cstr(const char *text) {
    return spindle_str_make(text, text == NULL ? 0 : strlen(text));
}

static inline int spindle_str_equal(spindle_str a, spindle_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline int spindle_str_is(spindle_str a, const char *text) {
    return spindle_str_equal(a, spindle_str_from_cstr(text));
}

/* Whether a value refers to a secret: it is "secret://NAME", or ends so after a blank ("Bearer secret://NAME"). Then *name is
 * the name, for secret_get, and *before how many bytes stand before the reference. */
static inline int spindle_secret_name(spindle_str value, spindle_str *name, size_t *before) {
    static const char scheme[] = "secret://";
    const size_t length = sizeof scheme - 1;
    size_t at = 0;
    while (at + length <= value.len &&
           (memcmp(value.ptr + at, scheme, length) != 0 || (at > 0 && value.ptr[at - 1] != ' '))) {
        at++;
    }
    if (at + length > value.len) return 0;
    *name = spindle_str_make(value.ptr + at + length, value.len - at - length);
    *before = at;
    return 1;
}

/* The parameter's value, or NULL if it was not given. Valid as long as the request. */
static inline const spindle_str *spindle_param(const spindle_request *request, const char *key) {
    size_t i;
    for (i = 0; i < request->parameter_count; i++) {
        if (spindle_str_is(request->parameters[i].key, key)) return &request->parameters[i].value;
    }
    return NULL;
}

static inline spindle_str spindle_param_or(const spindle_request *request, const char *key, const char *fallback) {
    const spindle_str *value = spindle_param(request, key);
    return value != NULL ? *value : spindle_str_from_cstr(fallback);
}

/* Completes with a success. Returns OK, so that a blocking execute can end with `return spindle_succeed(…)`. */
static inline spindle_status spindle_succeed(const spindle_request *request, spindle_str output,
                                             const char *content_type) {
    spindle_result result;
    memset(&result, 0, sizeof result);
    result.struct_size = (uint32_t)sizeof result;
    result.outcome = SPINDLE_SUCCESS;
    result.output = output;
    result.content_type = spindle_str_from_cstr(content_type);
    result.retry_after_ms = -1;
    (void)request->host->complete(request->ctx, request->handle, &result);
    return SPINDLE_OK;
}

/* Completes with a failure (SPINDLE_RETRYABLE, SPINDLE_PERMANENT or SPINDLE_CANCELLED). Returns OK, as above. */
static inline spindle_status spindle_fail(const spindle_request *request, int32_t outcome, const char *code,
                                          const char *message) {
    spindle_error error;
    spindle_result result;
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    error.outcome = outcome;
    error.code = spindle_str_from_cstr(code);
    error.message = spindle_str_from_cstr(message);
    memset(&result, 0, sizeof result);
    result.struct_size = (uint32_t)sizeof result;
    result.outcome = outcome;
    result.error = &error;
    result.retry_after_ms = -1;
    (void)request->host->complete(request->ctx, request->handle, &result);
    return SPINDLE_OK;
}

/* Reason why the attempt shall end, or SPINDLE_CANCEL_NONE; below 0 when it is over already. */
static inline int32_t spindle_cancel_state(const spindle_request *request) {
    return SPINDLE_OFFERS(request->host, cancel_state) ? request->host->cancel_state(request->ctx, request->handle)
                                                       : SPINDLE_CANCEL_NONE;
}

/* One line without keys. Lost lines are counted by the host, so there is nothing to return. */
static inline void spindle_log(const spindle_request *request, int32_t level, const char *message) {
    if (SPINDLE_OFFERS(request->host, log)) {
        (void)request->host->log(request->ctx, request->handle, level, spindle_str_from_cstr(message), NULL, 0);
    }
}

/* Says what is wrong with the configuration; `pointer` (may be NULL) is an RFC 6901 pointer to the bad value. Returns
 * E_CONFIG, so that create can end with `return spindle_config_error(…)`. */
static inline spindle_status spindle_config_error(const spindle_instance_config *config, const char *code,
                                                  const char *message, const char *pointer) {
    spindle_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    error.outcome = SPINDLE_PERMANENT;
    error.code = spindle_str_from_cstr(code);
    error.message = spindle_str_from_cstr(message);
    error.pointer = spindle_str_from_cstr(pointer);
    if (SPINDLE_OFFERS(config->host, set_error)) {
        (void)config->host->set_error(config->ctx, config->handle, &error);
    }
    return SPINDLE_E_CONFIG;
}

#ifdef __cplusplus
}
#endif

#endif /* SPINDLE_HELPERS_H */
