/* A server whose descriptors and answers are wrong; see hostile.py. */
#include "harness.h"

static void is(void *instance, const char *path, int32_t outcome, const char *code, const char *why) {
    struct run *run = GO(instance, target_at("grpc", "127.0.0.1", at.hostile, path));
    has(run->message, why, path);
    settle_as(run, outcome, code, path);
}

static void test_descriptors_of_it(void) {
    struct run *run;
    is(plain, "hostile.Garbage/Call", SPINDLE_PERMANENT, "grpc.descriptors", "is not understood");
    is(plain, "hostile.Nothing/Call", SPINDLE_PERMANENT, "grpc.descriptors", "is not understood");
    is(plain, "hostile.Empty/Call", SPINDLE_PERMANENT, "grpc.descriptors", "do not have the service");
    is(plain, "hostile.Other/Call", SPINDLE_PERMANENT, "grpc.descriptors", "do not have the service");
    is(plain, "hostile.Orphan/Call", SPINDLE_PERMANENT, "grpc.descriptors", "its own descriptors import: no such file");
    is(plain, "hostile.Cycle/Call", SPINDLE_PERMANENT, "grpc.descriptors", "recursively imports");
    is(plain, "hostile.Twice/Call", SPINDLE_PERMANENT, "grpc.descriptors", "defines what another file defines");
    is(plain, "hostile.Chain/Call", SPINDLE_PERMANENT, "grpc.descriptors", "more than 512 files");
    is(plain, "hostile.Long/Call", SPINDLE_PERMANENT, "grpc.message.too_large", "maxMessageBytes");
    is(plain, "hostile.Imports/Call", SPINDLE_PERMANENT, "grpc.descriptors", "more than 512 files");
    is(plain, "hostile.SameImport/Call", SPINDLE_PERMANENT, "grpc.descriptors", "imports more than 512 files");
    is(plain, "hostile.Fields/Call", SPINDLE_PERMANENT, "grpc.descriptors", "more than 100,000 messages, fields");
    is(plain, "hostile.Ends/Call", SPINDLE_RETRYABLE, "grpc.status.unavailable", "ended its answer to reflection too soon");
    is(plain, "hostile.Fails/Call", SPINDLE_PERMANENT, "grpc.status.permission_denied", "asked for its descriptors: the call ended");
    is(plain, "hostile.Missing/Call", SPINDLE_PERMANENT, "grpc.method", "the server has no service hostile.Missing");
    run = run_new(plain, target_at("grpc", "127.0.0.1", at.hostile, "hostile.Silent/Call"));
    run->request.timeout_ms = 500;
    run_execute(run);
    run_wait(run);
    settle_as(run, SPINDLE_RETRYABLE, "grpc.timeout", "reflection that never answers");
}

static void test_answers_of_it(void) {
    struct run *run;
    is(plain, "hostile.Calls/Garbage", SPINDLE_PERMANENT, "grpc.response", "does not fit hostile.Node: it is damaged");
    is(plain, "hostile.Calls/Long", SPINDLE_PERMANENT, "grpc.response", "does not fit hostile.Node: it is damaged");
    is(plain, "hostile.Calls/Nothing", SPINDLE_PERMANENT, "grpc.response", "OK without sending a message");
    is(plain, "hostile.Calls/Two", SPINDLE_PERMANENT, "grpc.response", "more than one message");
    is(plain, "hostile.Calls/Deep", SPINDLE_PERMANENT, "grpc.response", "nested deeper than 100");
    is(plain, "hostile.Calls/NotText", SPINDLE_PERMANENT, "grpc.response", "text is not UTF-8");
    /* Nothing is inflated: a kilobyte of gzip may be a megabyte. */
    is(plain, "hostile.Calls/Packed", SPINDLE_PERMANENT, "grpc.response", "it is damaged");
    /* Two million bytes that are a million messages: never built in memory, and bounded as JSON. */
    run = GO(plain, target_at("grpc", "127.0.0.1", at.hostile, "hostile.Calls/Wide"));
    expect(run, SPINDLE_SUCCESS, "", "a million messages in one");
    CHECK(run->artefact_length > 3000000 && run->artefact_last == 1, "%zu", run->artefact_length);
    run_free(run);
    void *small = instance_with("{\"maxArtefactBytes\": 1048576}");
    is(small, "hostile.Calls/Wide", SPINDLE_PERMANENT, "grpc.response.too_large", "maxArtefactBytes");
    instance_end(small);
}

/* Jobs that wait for the same descriptors: those with wrong credentials fail, and none of the others for it. */
static void test_credentials(void) {
    void *fresh = instance_with("{}");
    struct run *runs[30];
    int i;
    for (i = 0; i < 30; i++) {
        runs[i] = run_new(fresh, target_at("grpc", "127.0.0.1", at.hostile, "hostile.Private/Call"));
        if (i % 3 == 0) run_param(runs[i], "Metadata_authorization", "Bearer secret://token");
        else run_param(runs[i], "Metadata_authorization", text("wrong %d", i));
        run_execute(runs[i]);
    }
    for (i = 0; i < 30; i++) {
        run_wait(runs[i]);
        /* Once somebody was let in, what he was told is known to all; the call itself is each one's own. */
        if (i % 3 == 0) expect(runs[i], SPINDLE_SUCCESS, "", "right credentials");
        else CHECK(strcmp(runs[i]->code, "grpc.status.unauthenticated") == 0, "%d %s", i, runs[i]->code);
        run_free(runs[i]);
    }
    instance_end(fresh);
}

void test_hostile(void) {
    test_credentials();
    test_descriptors_of_it();
    test_answers_of_it();
}
