/* How an attempt ends: what the host is told. */
#include "job.h"

#include "artefact.h"
#include "base64.h"

#include <stdlib.h>
#include <string.h>

struct output {
    char *bytes; /* malloc */
    size_t length;
    const char *content_type;
};

/* {"base64": …} as bytes, a text as text, all else as JSON. -1: no memory. */
static int render(const json_t *value, bool raw, struct output *output) {
    const json_t *encoded = raw && json_is_object(value) && json_object_size(value) == 1 ? json_object_get(value, "base64") : NULL;
    if (json_is_string(encoded)) {
        long length;
        output->bytes = malloc(json_string_length(encoded) / 4 * 3 + 1);
        if (output->bytes == NULL) return -1;
        length = base64_decode(json_string_value(encoded), json_string_length(encoded), (unsigned char *)output->bytes);
        output->length = length < 0 ? 0 : (size_t)length;
        output->content_type = "application/octet-stream";
        return 0;
    }
    if (raw && json_is_string(value)) {
        output->length = json_string_length(value);
        output->bytes = malloc(output->length + 1);
        if (output->bytes == NULL) return -1;
        memcpy(output->bytes, json_string_value(value), output->length);
        output->content_type = "text/plain; charset=utf-8";
        return 0;
    }
    output->bytes = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (output->bytes == NULL) return -1;
    output->length = strlen(output->bytes);
    output->content_type = "application/json";
    return 0;
}

static int make(struct job *job, struct output *output) {
    const json_t *first = json_array_get(job->done, 0);
    json_t *list;
    int status;
    if (job->list) {
        list = json_pack("{s:O}", "calls", job->done);
        status = list == NULL ? -1 : render(list, false, output);
        json_decref(list);
        return status;
    }
    if (strcmp(job->output, "json") == 0) return render(first, false, output);
    if (strcmp(job->output, "result") == 0) return render(json_object_get(first, "result"), true, output);
    return render(json_array_get(json_object_get(first, "out"), strtoul(job->output + 3, NULL, 10)), true, output);
}

static void send(struct job *job, const struct output *output, const spindle_kv *metadata, size_t count) {
    spindle_result result;
    memset(&result, 0, sizeof result);
    result.struct_size = (uint32_t)sizeof result;
    result.outcome = SPINDLE_SUCCESS;
    result.output = spindle_str_make(output->bytes, output->length);
    result.content_type = spindle_str_from_cstr(output->content_type);
    result.metadata = metadata;
    result.metadata_count = count;
    result.retry_after_ms = -1;
    (void)job->request->host->complete(job->request->ctx, job->request->handle, &result);
}

void job_succeed(struct job *job) {
    struct output output = { 0 };
    spindle_kv metadata[1];
    size_t count = 0, length;
    if (make(job, &output) != 0) {
        (void)problem_memory(&job->problem, &(struct arena){ 0 });
        job_fail(job);
        return;
    }
    length = output.length;
    if (length > SPINDLE_MAX_OUTPUT_BYTES) {
        spindle_status status = artefact_send(job->request, output.bytes, output.length);
        if (status != SPINDLE_OK) {
            (void)problem_set(&job->problem, status == SPINDLE_E_BUSY ? "native.cancelled" : "native.output", NULL,
                              status == SPINDLE_E_BUSY
                                  ? "the attempt was cancelled while its output was stored"
                                  : "the output has %zu bytes, which is too long to keep inline, and the host does not take "
                                    "an artefact (status %d)",
                              output.length, (int)status);
            if (status == SPINDLE_E_BUSY) job->problem.outcome = SPINDLE_CANCELLED;
            free(output.bytes);
            job_fail(job);
            return;
        }
        metadata[count].key = SPINDLE_STR("artefact");
        metadata[count++].value = SPINDLE_STR(ARTEFACT_NAME);
        output.length = 0;
    }
    send(job, &output, metadata, count);
    if (job->arena.secret) explicit_bzero(output.bytes, length);
    free(output.bytes);
}

/* What was done so far, if it is short enough to be told. */
static char *details(const struct job *job) {
    json_t *value;
    char *text;
    if (json_array_size(job->done) == 0) return NULL;
    value = json_pack("{s:O}", "calls", job->done);
    text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    if (text == NULL || strlen(text) <= SPINDLE_MAX_DETAILS_BYTES) return text;
    free(text);
    return NULL;
}

void job_fail(struct job *job) {
    const struct problem *problem = &job->problem;
    spindle_error error;
    spindle_result result;
    char *text = details(job);
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    error.outcome = problem->outcome;
    error.code = spindle_str_from_cstr(problem->code);
    error.message = spindle_str_from_cstr(problem->message);
    error.pointer = spindle_str_from_cstr(problem->pointer);
    error.details = spindle_str_from_cstr(text);
    memset(&result, 0, sizeof result);
    result.struct_size = (uint32_t)sizeof result;
    result.outcome = problem->outcome;
    result.error = &error;
    result.retry_after_ms = -1;
    (void)job->request->host->complete(job->request->ctx, job->request->handle, &result);
    free(text);
}
