/* Plugins of other ages, in a session: shorter and longer structs than ours, and what must be refused. */
#include <stdio.h>
#include <string.h>

#include "SpindleSession.h"
#include "driver.h"
#include "spindle/executor.h"

static spw_completed last;
static char output_text[64];
static int completions, released_count;

static void completed(void *context, uint64_t token, const spw_completed *result) {
    (void)context, (void)token;
    last = *result;
    size_t length = result->output.len < sizeof output_text ? result->output.len : 0;
    if (length > 0) memcpy(output_text, result->output.ptr, length);
    completions++;
}
static void released(void *context, uint64_t token, const spw_released *news, int32_t gathers) {
    (void)context, (void)token, (void)news, (void)gathers;
    released_count++;
}
static const spw_output output = { .completed = completed, .released = released };

/* A result as an older header had it: no metadata, no retry_after_ms. */
static spindle_status old_result(void *instance, spindle_handle attempt, const spindle_request *request) {
    struct {
        spindle_result result;
    } old;
    (void)instance;
    memset(&old, 0xee, sizeof old); /* what lies behind an old struct is not ours to read */
    old.result.struct_size = offsetof(spindle_result, error);
    old.result.outcome = SPINDLE_SUCCESS;
    old.result.output = SPINDLE_STR("old");
    old.result.content_type = SPINDLE_STR("text/plain");
    request->host->complete(request->ctx, attempt, &old.result);
    return SPINDLE_OK;
}

/* A plugin of a newer header: longer structs, and it looks for a host function that is not there. */
typedef struct newer_host {
    spindle_host host;
    spindle_status (*later)(spindle_host_ctx *ctx);
} newer_host;
static spindle_status new_plugin(void *instance, spindle_handle attempt, const spindle_request *request) {
    const newer_host *host = (const newer_host *)(const void *)request->host;
    (void)instance;
    struct {
        spindle_result result;
        uint64_t more[4];
    } longer = { .result = { .struct_size = sizeof longer, .outcome = SPINDLE_SUCCESS, .retry_after_ms = -1 } };
    size_t end = offsetof(newer_host, later) + sizeof host->later;
    longer.result.output = end <= host->host.struct_size ? SPINDLE_STR("present") : SPINDLE_STR("absent");
    request->host->complete(request->ctx, attempt, &longer.result);
    return SPINDLE_OK;
}

static spindle_status too_much(void *instance, spindle_handle attempt, const spindle_request *request) {
    static char large[SPINDLE_MAX_OUTPUT_BYTES + 1];
    (void)instance, (void)attempt;
    return spindle_succeed(request, spindle_str_make(large, sizeof large), NULL);
}
static spindle_status bad_outcome(void *instance, spindle_handle attempt, const spindle_request *request) {
    const spindle_result result = { .struct_size = sizeof result, .outcome = 99 };
    (void)instance;
    request->host->complete(request->ctx, attempt, &result);
    return SPINDLE_OK;
}

typedef struct longer_descriptor {
    spindle_executor_descriptor descriptor;
    void *more[8];
} longer_descriptor;

static void run(spindle_status (*execute)(void *, spindle_handle, const spindle_request *), uint32_t struct_size) {
    char message[256] = "";
    const longer_descriptor kind = {
        .descriptor = { .struct_size = struct_size, .type = "t", .execute = execute }, .more = { (void *)1 } };
    const spindle_executor_descriptor *const kinds[] = { &kind.descriptor };
    const spindle_executor_factory factory = {
        .struct_size = offsetof(spindle_executor_factory, sdk), .executor_count = 1, .executors = kinds,
        .plugin_id = "p", .plugin_version = "1", .init = (spindle_status(*)(const spindle_host *, spindle_host_ctx *))1 };
    spw_session *session = spw_session_open_factory(&factory, &output, NULL, message, sizeof message);
    if (!CHECK(session != NULL)) return;
    spw_answer answer;
    spw_arena arena = { 0 };
    const spw_create create = { .uses = { "t", 1 } };
    const spw_start start = { .instance = 1, .attempt = 1 };
    int before = completions;
    spw_session_init(session, "1", &answer, &arena);
    CHECK(answer.status == 0); /* the factory's init lies beyond its struct_size: it does not exist */
    spw_session_create(session, 1, &create, &answer, &arena);
    CHECK(answer.status == 0);
    uint64_t accepted = spw_session_accept(session, 5, &start);
    CHECK(accepted != 0);
    spw_session_run(session, accepted);
    CHECK(completions == before + 1 && released_count == completions);
    CHECK(spw_session_close(session) == 0);
    spw_arena_free(&arena);
}

static void refused(const spindle_executor_factory *factory, const char *why) {
    char message[256] = "";
    CHECK(spw_session_open_factory(factory, &output, NULL, message, sizeof message) == NULL);
    if (!CHECK(strstr(message, why) != NULL)) fprintf(stderr, "  it said: %s\n", message);
}

static void test_refusals(void) {
    const spindle_executor_descriptor good = { .struct_size = sizeof good, .type = "t", .execute = old_result };
    spindle_executor_descriptor bad = good;
    const spindle_executor_descriptor *kinds[] = { &good, &bad };
    spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 2, .executors = kinds,
                                         .plugin_id = "p", .plugin_version = "1" };
    refused(NULL, "NULL");
    refused(&factory, "offered twice");
    bad.type = "not a name";
    refused(&factory, "must match");
    bad.type = "u";
    bad.execute = NULL;
    refused(&factory, "execute is NULL");
    bad = good;
    bad.type = "u";
    bad.struct_size = 8;
    refused(&factory, "struct_size");
    bad.struct_size = sizeof bad;
    bad.flags = SPINDLE_EXECUTOR_BLOCKING | SPINDLE_EXECUTOR_ASYNC;
    refused(&factory, "exclude");
    factory.min_host_minor = 7;
    refused(&factory, "1.7");
    factory.min_host_minor = 0;
    factory.executor_count = 0;
    refused(&factory, "1 to 1024");
}

static void test_round_trip(void) {
    spw_kv kv[2] = { { { "a", 1 }, { "bb", 2 } }, { { "c", 1 }, { NULL, 0 } } };
    const spw_start start = { .instance = 7, .attempt = -3, .parameters = { kv, 2 }, .payload = { "hello", 5 } };
    spw_start got;
    spw_buffer buffer = { 0 };
    spw_arena arena = { 0 };
    spw_frame frame;
    size_t consumed = 0;
    CHECK(spw_encode(&buffer, SPW_START, 3, 99, &start) == SPW_OK);
    for (size_t part = 0; part < buffer.length; part++) {
        CHECK(spw_next(buffer.data, part, &frame, &consumed) == SPW_MORE);
    }
    CHECK(spw_next(buffer.data, buffer.length, &frame, &consumed) == SPW_OK && consumed == buffer.length);
    CHECK(spw_decode(&frame, &got, sizeof got, &arena) == SPW_OK);
    CHECK(got.attempt == -3 && got.parameters.count == 2 && got.payload.len == 5 && frame.handle == 99);
    frame.body.len--;
    CHECK(spw_decode(&frame, &got, sizeof got, &arena) == SPW_E_MALFORMED);
    static char large[SPW_FRAME_MAX];
    const spw_blob blob = { { large, sizeof large } };
    size_t length = buffer.length;
    CHECK(spw_encode(&buffer, SPW_CHECKPOINT, 0, 0, &blob) == SPW_E_TOO_LARGE && buffer.length == length);
    spw_arena_free(&arena);
    spw_buffer_free(&buffer);
}

int main(void) {
    size_t shortest = offsetof(spindle_executor_descriptor, execute) + sizeof(void *);
    test_round_trip();
    test_refusals();
    run(old_result, (uint32_t)shortest); /* cancel, release and destroy do not exist */
    CHECK(memcmp(output_text, "old", 3) == 0 && last.metadata.count == 0 && last.retry_after_ms == -1);
    run(new_plugin, sizeof(longer_descriptor));
    CHECK(memcmp(output_text, "absent", 6) == 0);
    run(too_much, sizeof(spindle_executor_descriptor));
    CHECK(last.outcome == SPINDLE_PERMANENT && last.origin == SPW_ORIGIN_CONTRACT);
    run(bad_outcome, sizeof(spindle_executor_descriptor));
    CHECK(last.outcome == SPINDLE_PERMANENT && last.origin == SPW_ORIGIN_CONTRACT);
    return checks_closed();
}
