#include "parameters.h"

#include <stdio.h>

#include "text.h"

static const char *const names[P_COUNT] = {
    "Method",         "Body",           "ContentType",      "Template",      "Auth",        "ExpectedStatus", "RetryStatus",
    "FollowRedirects", "MaxRedirects",  "MaxResponseBytes", "ConnectTimeoutMs", "SaveBody", "Assert_Status", "Assert_Json",
    "AssertFailure",  "Async",          "PollIntervalMs",   "PollDeadlineMs", "PollState",  "PollDone",      "PollFailed",
};
static const char *const prefixes[F_COUNT] = {"Header_",   "Form_",     "File_",         "FileName_",
                                              "FileType_", "Template_", "Assert_Header_"};

const char *parameter_name(enum parameter which) {
    return names[which];
}

bool request_fail_as(struct request_fault *fault, const char *code, spindle_str name, const char *message) {
    int length = name.len < 140 ? (int)name.len : 140;
    fault->status = SPINDLE_E_INVALID;
    fault->code = code;
    /* Neither '~' nor '/' can be in a parameter's name, so the pointer needs no escapes. */
    snprintf(fault->pointer, sizeof fault->pointer, "%s%.*s", length == 0 ? "" : "/", length, name.ptr);
    snprintf(fault->message, sizeof fault->message, "%.*s%s%s", length, name.ptr, length == 0 ? "" : ": ", message);
    return false;
}

bool request_fail(struct request_fault *fault, const char *name, const char *message) {
    return request_fail_as(fault, "http.parameter", spindle_str_from_cstr(name), message);
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

bool parameter_member(const spindle_kv *parameter, enum family family, spindle_str *name) {
    size_t length = strlen(prefixes[family]);
    if (!text_starts_nocase(parameter->key.ptr, parameter->key.len, prefixes[family])) return false;
    *name = spindle_str_make(parameter->key.ptr + length, parameter->key.len - length);
    return true;
}

static bool same_nocase(spindle_str a, spindle_str b) {
    size_t i;
    if (a.len != b.len) return false;
    for (i = 0; i < a.len; i++) {
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i])) return false;
    }
    return true;
}

const spindle_str *parameter_of(const spindle_request *source, enum family family, spindle_str name) {
    size_t i;
    for (i = 0; i < source->parameter_count; i++) {
        spindle_str own;
        if (parameter_member(&source->parameters[i], family, &own) && same_nocase(own, name)) {
            return &source->parameters[i].value;
        }
    }
    return NULL;
}

/* A slip in one of these would not be missed: the job would seem to be checked, or to wait, and is not. */
static bool refuse_unknown(spindle_str key, struct request_fault *fault) {
    const char *near = nearest_name(key.ptr, key.len, names, P_COUNT);
    char message[120];
    snprintf(message, sizeof message, "there is no such parameter%s%s%s", near != NULL ? "; did you mean \"" : "",
             near != NULL ? near : "", near != NULL ? "\"?" : "");
    return request_fail_as(fault, "http.parameter", key, message);
}

/* Which family it belongs to; F_COUNT for none. Names are unique within it. */
static bool member(struct parameters *p, const spindle_kv *parameter, enum family *family, struct request_fault *fault) {
    spindle_str name;
    for (*family = 0; *family < F_COUNT; (*family)++) {
        if (!parameter_member(parameter, *family, &name)) continue;
        if (parameter_of(p->source, *family, name) != &parameter->value) {
            return request_fail_as(fault, "http.parameter", parameter->key, "given twice, with letters of different case");
        }
        p->members[*family]++;
        return true;
    }
    return true;
}

bool parameters_collect(struct parameters *p, const spindle_request *source, struct request_fault *fault) {
    size_t i, j;
    memset(p, 0, sizeof *p);
    p->source = source;
    for (i = 0; i < source->parameter_count; i++) {
        const spindle_kv *parameter = &source->parameters[i];
        enum family family;
        if (!member(p, parameter, &family, fault)) return false;
        if (family != F_COUNT) continue;
        for (j = 0; j < P_COUNT && !text_equal_nocase(parameter->key.ptr, parameter->key.len, names[j]); j++) {
        }
        if (j == P_COUNT && (text_starts_nocase(parameter->key.ptr, parameter->key.len, "Assert") ||
                             text_starts_nocase(parameter->key.ptr, parameter->key.len, "Poll"))) {
            return refuse_unknown(parameter->key, fault);
        }
        if (j == P_COUNT) {
            note_unknown(source, parameter->key);
            continue;
        }
        if (p->found[j] != NULL) return request_fail(fault, names[j], "given twice, with letters of different case");
        p->found[j] = &parameter->value;
    }
    return true;
}

bool parameter_integer(const struct parameters *p, enum parameter which, int64_t least, int64_t most, int64_t *value,
                       struct request_fault *fault) {
    const spindle_str *text = p->found[which];
    char message[80];
    if (text == NULL) return true;
    if (parse_decimal(text->ptr, text->len, most, value) && *value >= least) return true;
    snprintf(message, sizeof message, "has to be a whole number from %lld to %lld", (long long)least, (long long)most);
    return request_fail(fault, names[which], message);
}

bool parameter_choice(const struct parameters *p, enum parameter which, const char *no, const char *yes, bool *value,
                      struct request_fault *fault) {
    const spindle_str *text = p->found[which];
    char message[64];
    if (text == NULL) return true;
    *value = text_equal_nocase(text->ptr, text->len, yes);
    if (*value || text_equal_nocase(text->ptr, text->len, no)) return true;
    snprintf(message, sizeof message, "has to be %s or %s", no, yes);
    return request_fail(fault, names[which], message);
}
