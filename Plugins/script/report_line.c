/* The meaning of a line of a report. */
#include "run.h"

#include "values.h"

#include <stdlib.h>
#include <string.h>

#define MAX_RETRY_AFTER_MS INT64_C(2592000000) /* 30 days */

static bool whole(const json_t *value) { return json_is_integer(value) && json_integer_value(value) >= 0; }

static void take_progress(struct run *run, const json_t *line) {
    const spindle_request *request = run->request;
    const json_t *done = json_object_get(line, "progress"), *total = json_object_get(line, "total");
    const json_t *note = json_object_get(line, "note");
    if (done == NULL && total == NULL && note == NULL) return;
    if (!whole(done)) {
        report_bad(run, "\"progress\" must be a whole number from 0; \"total\" and \"note\" go with it");
    } else if (total != NULL && !whole(total)) {
        report_bad(run, "\"total\" must be a whole number from 0");
    } else if (note != NULL && !json_is_string(note)) {
        report_bad(run, "\"note\" must be a string");
    } else if (SPINDLE_OFFERS(request->host, progress)) {
        (void)request->host->progress(request->ctx, request->handle, json_integer_value(done),
                                      total == NULL ? -1 : json_integer_value(total),
                                      note == NULL ? spindle_str_make(NULL, 0) : json_text(note));
    }
}

static void take_metadata(struct run *run, json_t *metadata) {
    const spindle_request *request = run->request;
    const char *key;
    json_t *value;
    if (metadata == NULL) return;
    if (!json_is_object(metadata)) {
        report_bad(run, "\"metadata\" must be an object, not %s", json_kind(metadata));
        return;
    }
    if (!SPINDLE_OFFERS(request->host, metadata)) return;
    json_object_foreach(metadata, key, value) {
        char *text = json_is_string(value) || json_is_object(value) || json_is_array(value)
                         ? NULL
                         : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        if (text == NULL && !json_is_string(value)) {
            report_bad(run, "the metadata \"%.*s\" must be a string, a number or a boolean", shown(strlen(key)), key);
        } else if (request->host->metadata(request->ctx, request->handle, spindle_str_from_cstr(key),
                                           text == NULL ? json_text(value) : spindle_str_from_cstr(text)) != SPINDLE_OK) {
            report_bad(run, "the metadata \"%.*s\" is not taken: a key has 1 to 256 bytes, all of them at most 64 KiB",
                       shown(strlen(key)), key);
        }
        free(text);
    }
}

/* As the program wrote it: with as few digits as its numbers need. */
static char *spell(const json_t *value) {
    size_t digits;
    for (digits = 15; digits < 17; digits++) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
        json_t *again = text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        bool same = again != NULL && json_equal(value, again);
        json_decref(again);
        if (same) return text;
        free(text);
    }
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static void take_result(struct run *run, const json_t *line) {
    struct report *report = &run->report;
    const json_t *value = json_object_get(line, "result"), *type = json_object_get(line, "contentType");
    bool as_text = json_is_string(value) && type != NULL;
    char *text;
    size_t len;
    if (value == NULL && type == NULL) return;
    if (value == NULL || (type != NULL && (!as_text || json_string_length(type) == 0 ||
                                           json_string_length(type) > SPINDLE_MAX_NAME_BYTES))) {
        report_bad(run, "\"contentType\" goes with a \"result\" that is a string, and has 1 to 256 bytes");
        return;
    }
    len = json_string_length(value);
    text = as_text ? malloc(len + 1) : spell(value);
    if (text != NULL && as_text) memcpy(text, json_string_value(value), len);
    if (text != NULL && !as_text) len = strlen(text);
    if (text == NULL || len > SPINDLE_MAX_OUTPUT_BYTES) {
        report_bad(run, "the result has %zu bytes, at most %d fit; leave large ones in SPINDLE_ARTEFACTS", len,
                   SPINDLE_MAX_OUTPUT_BYTES);
        free(text);
        return;
    }
    free(report->result);
    report->result = text;
    report->result_len = len;
    (void)snprintf(report->content_type, sizeof report->content_type, "%s",
                   as_text ? json_string_value(type) : "application/json");
}

static bool is_code(const json_t *code) {
    const char *text = json_string_value(code);
    size_t len = text == NULL ? 0 : strlen(text);
    return len >= 1 && len <= 40 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static void take_error(struct run *run, const json_t *error) {
    struct report *report = &run->report;
    const json_t *message = json_object_get(error, "message"), *code = json_object_get(error, "code");
    const json_t *retryable = json_object_get(error, "retryable"), *after = json_object_get(error, "retryAfterMs");
    size_t known = (message != NULL) + (code != NULL) + (retryable != NULL) + (after != NULL);
    if (error == NULL) return;
    if (!json_is_string(message) || json_object_size(error) != known || (code != NULL && !is_code(code)) ||
        (retryable != NULL && !json_is_boolean(retryable)) ||
        (after != NULL && (!whole(after) || json_integer_value(after) > MAX_RETRY_AFTER_MS))) {
        report_bad(run, "\"error\" must have a \"message\", and may have a \"code\" of [a-z0-9._-]{1,40}, \"retryable\" "
                        "and \"retryAfterMs\"");
        return;
    }
    report->failed = true;
    (void)snprintf(report->message, sizeof report->message, "%s", json_string_value(message));
    (void)snprintf(report->code, sizeof report->code, "%s", code == NULL ? "" : json_string_value(code));
    report->retryable = retryable == NULL ? -1 : json_is_true(retryable);
    report->retry_after_ms = after == NULL ? -1 : json_integer_value(after);
}

void report_line(struct run *run, const char *text, size_t len) {
    static const char *const keys[] = { "progress", "total", "note", "metadata", "result", "contentType", "error" };
    json_error_t why;
    json_t *line;
    const char *key;
    json_t *value;
    size_t i;
    while (len > 0 && (text[len - 1] == '\r' || text[len - 1] == ' ')) len--;
    if (len == 0) return;
    line = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &why);
    if (line == NULL || !json_is_object(line)) {
        report_bad(run, "a line must be a JSON object: %s", line == NULL ? why.text : json_kind(line));
        json_decref(line);
        return;
    }
    json_object_foreach(line, key, value) {
        for (i = 0; i < sizeof keys / sizeof *keys && strcmp(key, keys[i]) != 0; i++) continue;
        if (i < sizeof keys / sizeof *keys) continue;
        report_bad(run, "there is no \"%.*s\"; a line has progress, total, note, metadata, result, contentType or error",
                   shown(strlen(key)), key);
    }
    take_progress(run, line);
    take_metadata(run, json_object_get(line, "metadata"));
    take_result(run, line);
    take_error(run, json_object_get(line, "error"));
    json_decref(line);
}
