/* Files in SPINDLE_ARTEFACTS. */
#include "host.h"

#include <stdlib.h>
#include <unistd.h>

static struct attempt *left(void *instance, const char *script) {
    char text[4096];
    snprintf(text, sizeof text, "cd \"$SPINDLE_ARTEFACTS\"\n%s", script);
    return start(instance, "", "Shell", "bash", "Script", text, NULL);
}

static bool kept(struct attempt *a, const char *name, const char *bytes) {
    struct artefact *f = artefact(a, name);
    return f != NULL && f->whole && f->len == strlen(bytes) && memcmp(f->bytes, bytes, f->len) == 0;
}

static size_t count(const struct attempt *a) {
    const struct artefact *f;
    size_t n = 0;
    for (f = a->artefacts; f != NULL; f = f->next) n += f->whole;
    return n;
}

static void good(void *plain) {
    struct artefact *f;
    struct attempt *a = left(plain, "echo one >a.txt; : >empty; echo x >'odd name\xc3\xa9'; chmod 0 a.txt; head -c 700000 /dev/zero >big");
    expect(a, SPINDLE_SUCCESS, "", "artefacts");
    CHECK(geteuid() != 0 || kept(a, "a.txt", "one\n"), "a.txt");
    CHECK(kept(a, "empty", "") && kept(a, "odd name\xc3\xa9", "x\n"), "empty, odd");
    f = artefact(a, "big");
    CHECK(f != NULL && f->len == 700000, "big");
    CHECK(strcmp(metadata(a, "artefacts"), geteuid() == 0 ? "4" : "3") == 0, "%s", metadata(a, "artefacts"));
    attempt_free(a);
    a = left(plain, "echo core >core; exit 3");
    expect(a, SPINDLE_RETRYABLE, "script.exit.3", "of a failure");
    CHECK(kept(a, "core", "core\n"), "kept all the same");
    attempt_free(a);
    a = left(plain, "rmdir \"$PWD\"; echo fine");
    expect(a, SPINDLE_SUCCESS, "", "no directory");
    attempt_free(a);
}

/* Where the kernel lets anybody make hard links, a program can put there a file that only root reads. */
static void linked_from_root(void) {
    char from[4200], to[4400];
    void *instance = host_create("{\"user\":\"nobody\"}");
    struct attempt *a = left(instance, "echo at $PWD/; until [ -e planted ]; do sleep 0.01; done; echo own >own");
    const char *directory = wait_for_line(a, "at ");
    FILE *file;
    snprintf(from, sizeof from, "%s/secret", scratch);
    file = fopen(from, "we");
    fputs("root's\n", file);
    fclose(file);
    snprintf(to, sizeof to, "%.4000splanted", directory == NULL ? "/no/such" : directory);
    CHECK(link(from, to) == 0, "%s", to);
    unlink(from); /* now it has one name, and only its owner tells */
    expect(a, SPINDLE_SUCCESS, "", "a file of root's");
    CHECK(kept(a, "own", "own\n") && artefact(a, "planted") == NULL, "root's file was handed over");
    attempt_free(a);
    host_destroy(instance);
}

static void odd(void *plain) {
    char script[9000];
    struct attempt *a = left(plain, "ln -s /etc/passwd link; mkfifo fifo; mkdir dir; echo x >dir/file; echo y >file; ln file hard; "
                                    "touch $'bad\\xff' $'line\\nend'; echo good >good; ln -s good again");
    expect(a, SPINDLE_SUCCESS, "", "odd ones");
    CHECK(kept(a, "good", "good\n") && count(a) == 1, "%zu", count(a));
    CHECK(strcmp(metadata(a, "artefactsSkipped"), "8") == 0, "%s", metadata(a, "artefactsSkipped"));
    CHECK(wait_for_line(a, "link in SPINDLE_ARTEFACTS is not kept: it is a symbolic link") != NULL, "link");
    CHECK(wait_for_line(a, "fifo in SPINDLE_ARTEFACTS is not kept: it is not a regular file") != NULL, "fifo");
    CHECK(wait_for_line(a, "hard in SPINDLE_ARTEFACTS is not kept: it is linked") != NULL, "hard");
    attempt_free(a);
    snprintf(script, sizeof script, "cd ..; rmdir \"$SPINDLE_ARTEFACTS\"; ln -s %s/keep \"$SPINDLE_ARTEFACTS\"", scratch);
    a = left(plain, script);
    expect(a, SPINDLE_SUCCESS, "", "a link in the place of the directory");
    CHECK(count(a) == 0, "it was followed");
    CHECK(wait_for_line(a, "the directory itself") != NULL, "not told");
    attempt_free(a);
    if (geteuid() == 0) linked_from_root();
}

static void limits(void) {
    void *few = host_create("{\"maxArtefacts\":3,\"maxArtefactBytes\":1000}");
    void *none = host_create("{\"maxArtefacts\":0}");
    struct attempt *a = left(few, "touch 1 2 3; head -c 1000 /dev/zero >2");
    expect(a, SPINDLE_SUCCESS, "", "just fits");
    CHECK(count(a) == 3, "%zu", count(a));
    attempt_free(a);
    a = left(few, "touch 1 2 3 4");
    expect(a, SPINDLE_PERMANENT, "script.artefacts", "too many");
    CHECK(strstr(a->message, "more than 3 files or 1000 bytes; none was kept") != NULL && count(a) == 0, "%s", a->message);
    attempt_free(a);
    a = left(few, "head -c 600 /dev/zero >1; head -c 401 /dev/zero >2");
    expect(a, SPINDLE_PERMANENT, "script.artefacts", "too large");
    attempt_free(a);
    a = left(few, "truncate -s 1T 1; exit 3");
    expect(a, SPINDLE_RETRYABLE, "script.exit.3", "too large, of a failure");
    CHECK(wait_for_line(a, "SPINDLE_ARTEFACTS holds more than") != NULL, "not told");
    attempt_free(a);
    a = start(none, "", "Shell", "bash", "Script", "echo ${SPINDLE_ARTEFACTS-none}; ls -A | wc -l", NULL);
    expect_output(a, "none\n1\n", "switched off"); /* the one is the script */
    host_destroy(few);
    host_destroy(none);
}

/* A host that has no room: waited for, but not beyond a cancel. */
static void no_room(void *plain) {
    struct attempt *a = start(plain, "", "Shell", "bash", "Script", "head -c 700000 /dev/zero >$SPINDLE_ARTEFACTS/a; echo ready; read x",
                              "<", "", NULL);
    attempt_free(a);
    a = start(plain, "", "Shell", "bash", "Script", "head -c 700000 /dev/zero >$SPINDLE_ARTEFACTS/a; echo b >$SPINDLE_ARTEFACTS/b; echo ready", NULL);
    set_room(a, 20);
    expect(a, SPINDLE_SUCCESS, "", "slow host");
    CHECK(artefact(a, "a") != NULL && artefact(a, "a")->len == 700000 && kept(a, "b", "b\n"), "whole");
    attempt_free(a);
    a = start(plain, "", "Shell", "bash", "Script", "sleep 0.2; echo b >$SPINDLE_ARTEFACTS/b", NULL);
    set_room(a, -1);
    wait_for_no_room(a);
    cancel_attempt(a, SPINDLE_CANCEL_USER, 5000);
    expect(a, SPINDLE_CANCELLED, "script.cancelled", "cancel while waiting for room");
    CHECK(strstr(a->message, "ended well, but not all files") != NULL, "%s", a->message);
    attempt_free(a);
    a = start(plain, "", "Shell", "bash", "Script", "sleep 0.2; echo b >$SPINDLE_ARTEFACTS/b", NULL);
    a->artefact_status = SPINDLE_E_LIMIT;
    expect(a, SPINDLE_RETRYABLE, "script.artefacts", "refused by the host");
    attempt_free(a);
    a = start(plain, "", "Shell", "bash", "Script", "echo b >$SPINDLE_ARTEFACTS/b; echo ready; exec sleep 1000", NULL);
    wait_for_line(a, "ready");
    cancel_attempt(a, SPINDLE_CANCEL_USER, 5000);
    expect(a, SPINDLE_CANCELLED, "script.cancelled", "of a program that was cancelled");
    CHECK(count(a) == 0, "%zu", count(a));
    attempt_free(a);
}

void tests_artefacts(void) {
    void *plain = host_create("{}");
    good(plain);
    odd(plain);
    limits();
    no_room(plain);
    host_destroy(plain);
}
