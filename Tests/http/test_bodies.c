/* Codings, limits and artefacts. */
#include <stdlib.h>

#include "harness.h"

void test_bodies(void) {
    struct run *run = GO(plain, url("/gzip"));
    CHECK(run->output_length == 1100 && strncmp(run->output, "hello gzip", 10) == 0, "%zu", run->output_length);
    run_free(run);
    run = GO(plain, url("/deflate"));
    CHECK(run->output_length == 1400, "%zu", run->output_length);
    run_free(run);
    run = GO(plain, url("/gzip"), "Header_Accept-Encoding", "gzip");
    CHECK(run->output_length < 200 && (unsigned char)run->output[0] == 0x1f, "%zu", run->output_length);
    run_free(run);
    run = GO(plain, url("/bomb")); /* the size ends it first, */
    CHECK(run->outcome == SPINDLE_SUCCESS && run->output_length == 1048576, "%s %zu", run->code, run->output_length);
    run_free(run);
    run = GO(plain, url("/bomb"), "SaveBody", "artefact"); /* and without that the ratio does */
    expect(run, SPINDLE_PERMANENT, "http.inflation", "bomb");
    run_free(run);
    quick(plain, url("/smallbomb"), SPINDLE_PERMANENT, "http.inflation");
    quick(plain, url("/badgzip"), SPINDLE_PERMANENT, "http.encoding");
    quick(plain, url("/zstd"), SPINDLE_PERMANENT, "http.encoding");
    run = GO(plain, url("/big/5000000"));
    expect(run, SPINDLE_SUCCESS, "", "big");
    CHECK(run->output_length == 1048576, "%zu", run->output_length);
    CHECK(strcmp(run_metadata(run, "truncated"), "true") == 0, "%s", run_metadata(run, "truncated"));
    run_free(run);
    run = GO(plain, url("/big/5000"), "MaxResponseBytes", "0");
    CHECK(run->outcome == SPINDLE_SUCCESS && run->output_length == 0, "%s %zu", run->code, run->output_length);
    run_free(run);
    run = GO(plain, url("/chunked"), "MaxResponseBytes", "11");
    CHECK(run->output_length == 11 && strcmp(run_metadata(run, "truncated"), "false") == 0, "%zu", run->output_length);
    run_free(run);
}

static void check_artefact(int rejects, const char *limit) {
    struct run *run;
    size_t i, wrong = 0;
    atomic_store(&fake_artefact_rejects, rejects);
    run = GO(plain, url("/big/3000000"), "SaveBody", "artefact", "MaxResponseBytes", limit);
    expect(run, SPINDLE_SUCCESS, "", "artefact");
    CHECK(run->artefact_length == 3000000 / 251 * 251 + 251 && run->artefact_last == 1, "%zu", run->artefact_length);
    for (i = 0; i < run->artefact_length; i++) wrong += (unsigned char)run->artefact[i] != i % 251;
    CHECK(wrong == 0, "%zu wrong bytes", wrong);
    CHECK(run->output_length == (size_t)atoi(limit), "%zu", run->output_length);
    CHECK(strcmp(run_metadata(run, "artefact"), "body") == 0, "%s", run_metadata(run, "artefact"));
    CHECK(atomic_exchange(&fake_artefact_rejects, 0) == 0, "not every rejection was met");
    run_free(run);
}

void test_artefacts(void) {
    struct run *run;
    spindle_status status;
    void *small = fake_create("{\"maxArtefactBytes\":1048576}", &status);
    check_artefact(0, "1000");
    check_artefact(0, "1048576");
    check_artefact(25, "700000");
    check_artefact(120, "0");
    run = GO(plain, url("/big/1000"), "SaveBody", "artefact");
    CHECK(run->artefact_last == 0 && run->output_length == 1004, "%zu", run->output_length);
    run_free(run);
    /* What breaks it off when it goes on after a pause is not lost. */
    atomic_store(&fake_artefact_rejects, 40);
    run = GO(plain, url("/bomb"), "SaveBody", "artefact");
    expect(run, SPINDLE_PERMANENT, "http.inflation", "bomb with pauses");
    CHECK(run->artefact_last == 0, "artefact ended");
    run_free(run);
    atomic_store(&fake_artefact_rejects, 40);
    run = GO(small, url("/big/3000000"), "SaveBody", "artefact");
    expect(run, SPINDLE_PERMANENT, "http.body.too_large", "too large with pauses");
    run_free(run);
    atomic_store(&fake_artefact_rejects, 0);
    run = GO(small, url("/big/3000000"), "SaveBody", "artefact");
    expect(run, SPINDLE_PERMANENT, "http.body.too_large", "too large an artefact");
    CHECK(run->artefact_last == 0, "artefact ended");
    run_free(run);
    destroy_instance(small);
}
