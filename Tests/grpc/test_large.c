/* Long responses: limits, the artefact, and a host that has no room for it just now. */
#include "harness.h"

static struct run *stream_of(void *instance, const char *count, const char *size, const char *most) {
    return GO(instance, target(at.plain, "Stream"), "count", count, "size", size, "MaxResponseBytes", most);
}

static void test_unary(void) {
    struct run *run = GO(plain, target(at.plain, "Behave"), "size", "2000000");
    expect(run, SPINDLE_SUCCESS, "", "2 MB");
    CHECK(run->output_length == 0 && run->artefact_last == 1, "%zu %d", run->output_length, run->artefact_last);
    CHECK(run->artefact_length == 2000000 + strlen("{\"index\":1,\"text\":\"\"}"), "%zu", run->artefact_length);
    CHECK(run->artefact != NULL && strncmp(run->artefact, "{\"index\":1,\"text\":\"xxx", 21) == 0, "its beginning");
    CHECK(strcmp(run_metadata(run, "artefact"), "response") == 0, "%s", run_metadata(run, "artefact"));
    CHECK(strcmp(run_metadata(run, "bytes"), "2000021") == 0, "%s", run_metadata(run, "bytes"));
    run_free(run);
    run = GO(plain, target(at.plain, "Behave"), "size", "5000000");
    has(run->message, "maxMessageBytes", "5 MB");
    settle_as(run, SPINDLE_PERMANENT, "grpc.message.too_large", "over maxMessageBytes");
}

static void test_stream(void) {
    struct run *run = stream_of(plain, "100", "1000", "2500");
    size_t lines = 0, i;
    expect(run, SPINDLE_SUCCESS, "", "a long stream");
    CHECK(run->output_length > 1000 && run->output_length <= 2500 && run->output[run->output_length - 1] == '\n',
          "whole lines: %zu", run->output_length);
    for (i = 0; i < run->artefact_length; i++) lines += run->artefact[i] == '\n';
    CHECK(lines == 100 && run->artefact_last == 1, "%zu lines", lines);
    CHECK(memcmp(run->output, run->artefact, run->output_length) == 0, "the artefact begins like the output");
    CHECK(strcmp(run_metadata(run, "messages"), "100") == 0, "%s", run_metadata(run, "messages"));
    run_free(run);
    atomic_store(&fake_artefact_rejects, 40);
    run = stream_of(plain, "200", "20000", "0");
    expect(run, SPINDLE_SUCCESS, "", "no room now and then");
    for (i = lines = 0; i < run->artefact_length; i++) lines += run->artefact[i] == '\n';
    CHECK(lines == 200 && run->artefact_last == 1 && run->output_length == 0, "%zu lines", lines);
    CHECK(atomic_load(&fake_artefact_rejects) == 0, "%d left", atomic_load(&fake_artefact_rejects));
    run_free(run);
    /* The end of it may find no room either. */
    atomic_store(&fake_artefact_rejects, 3);
    run = stream_of(plain, "1", "10", "0");
    expect(run, SPINDLE_SUCCESS, "", "no room at the end");
    CHECK(run->artefact_last == 1, "%d", run->artefact_last);
    run_free(run);
    /* A failure keeps no artefact. */
    run = GO(plain, target(at.plain, "Stream"), "count", "50", "size", "100", "fail_after", "40", "code", "13", "MaxResponseBytes", "1000");
    expect(run, SPINDLE_RETRYABLE, "grpc.status.internal", "fails after the limit");
    CHECK(run->artefact_last == 0 && run->output_length > 800, "%d %zu", run->artefact_last, run->output_length);
    CHECK(run_metadata(run, "artefact")[0] == '\0', "claims an artefact");
    run_free(run);
}

static void test_limits(void) {
    void *small = instance_with("{\"maxArtefactBytes\": 1048576, \"maxMessageBytes\": 4194304}");
    struct run *run = stream_of(small, "200", "10000", "1000");
    has(run->message, "maxArtefactBytes", "too long");
    settle_as(run, SPINDLE_PERMANENT, "grpc.response.too_large", "a stream over maxArtefactBytes");
    run = GO(small, target(at.plain, "Behave"), "size", "1500000");
    settle_as(run, SPINDLE_PERMANENT, "grpc.response.too_large", "a message over maxArtefactBytes");
    spindle_status (*kept)(spindle_host_ctx *, spindle_handle, spindle_str, spindle_str, uint32_t) = fake_host.artefact_write;
    fake_host.artefact_write = NULL;
    run = stream_of(small, "20", "1000", "1000");
    has(run->message, "MaxResponseBytes", "no artefacts");
    settle_as(run, SPINDLE_PERMANENT, "grpc.response.too_large", "a host without artefacts");
    fake_host.artefact_write = kept;
    instance_end(small);
}

void test_large(void) {
    test_unary();
    test_stream();
    test_limits();
}
