/* What a session makes of the metadata of a result, and when it tells of releases together. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "SpindleSession.h"
#include "driver.h"
#include "spindle/executor.h"

enum { MOST = 200 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* released or gathered */
    uint32_t origin, outcome;
    char texts[MOST][2][64]; /* keys and values of the last result */
    size_t count;
    uint64_t text_replaced;
    int completed, released, gathered, together; /* together: released with the promise that gathered follows */
} told = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void keep(char to[64], spw_bytes from) {
    size_t length = from.len < 63 ? from.len : 63;
    if (length > 0) memcpy(to, from.ptr, length);
    to[length] = 0;
}

static void completed(void *context, uint64_t token, const spw_completed *result) {
    (void)context, (void)token;
    pthread_mutex_lock(&told.lock);
    told.origin = result->origin;
    told.outcome = result->outcome;
    told.count = result->metadata.count;
    told.text_replaced = result->text_replaced;
    for (size_t i = 0; i < result->metadata.count && i < MOST; i++) {
        keep(told.texts[i][0], result->metadata.items[i].key);
        keep(told.texts[i][1], result->metadata.items[i].value);
    }
    told.completed++;
    pthread_mutex_unlock(&told.lock);
}
static void released(void *context, uint64_t token, const spw_released *news, int32_t gathers) {
    (void)context, (void)token, (void)news;
    pthread_mutex_lock(&told.lock);
    told.released++;
    told.together += gathers != 0;
    pthread_cond_broadcast(&told.changed);
    pthread_mutex_unlock(&told.lock);
}
static void gathered(void *context) {
    (void)context;
    pthread_mutex_lock(&told.lock);
    told.gathered++;
    pthread_cond_broadcast(&told.changed);
    pthread_mutex_unlock(&told.lock);
}
static const spw_output output = { .completed = completed, .released = released, .gathered = gathered };

/* What the plugin below gives. */
static spindle_kv items[MOST];
static size_t item_count;
static const char *earlier_key, *earlier_value;

static spindle_status give(void *instance, spindle_handle attempt, const spindle_request *request) {
    const spindle_result result = { .struct_size = sizeof result, .outcome = SPINDLE_SUCCESS, .retry_after_ms = -1,
                                    .metadata = items, .metadata_count = item_count };
    (void)instance;
    if (earlier_key != NULL) {
        request->host->metadata(request->ctx, attempt, spindle_str_from_cstr(earlier_key), spindle_str_from_cstr(earlier_value));
    }
    request->host->complete(request->ctx, attempt, &result);
    return SPINDLE_OK;
}

/* ---- An executor whose attempts end on a thread of its own. ---------------------------------------------------------- */

enum { AT_ONCE = 50 };
static struct {
    const spindle_request *requests[AT_ONCE];
    spindle_handle handles[AT_ONCE];
    int count;
    atomic_int released;
} held;

static spindle_status hold(void *instance, spindle_handle attempt, const spindle_request *request) {
    (void)instance;
    held.requests[held.count] = request;
    held.handles[held.count++] = attempt;
    return SPINDLE_PENDING;
}
static void let_go(void *instance, spindle_handle attempt, void *state) {
    (void)instance, (void)attempt, (void)state;
    atomic_fetch_add(&held.released, 1);
}

static spw_session *open_session(const spindle_executor_descriptor *kind) {
    static const spindle_executor_descriptor *kinds[1];
    static spindle_executor_factory factory;
    char message[256] = "";
    kinds[0] = kind;
    factory = (spindle_executor_factory){ .struct_size = sizeof factory, .executor_count = 1, .executors = kinds,
                                          .plugin_id = "p", .plugin_version = "1" };
    spw_session *session = spw_session_open_factory(&factory, &output, NULL, message, sizeof message);
    spw_answer answer;
    spw_arena arena = { 0 };
    const spw_create create = { .uses = { "t", 1 } };
    if (!CHECK(session != NULL)) exit(1);
    spw_session_init(session, "1", &answer, &arena);
    spw_session_create(session, 1, &create, &answer, &arena);
    CHECK(answer.status == 0);
    spw_arena_free(&arena);
    return session;
}

static uint64_t start(spw_session *session, uint64_t token) {
    const spw_start message = { .instance = 1, .attempt = 1 };
    uint64_t accepted = spw_session_accept(session, token, &message);
    CHECK(accepted != 0);
    return accepted;
}

static void run(void) {
    static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = "t", .execute = give };
    spw_session *session = open_session(&kind);
    spw_session_run(session, start(session, 5));
    CHECK(spw_session_close(session) == 0);
}

static void item(const char *key, const char *value) {
    items[item_count++] = (spindle_kv){ spindle_str_from_cstr(key), spindle_str_from_cstr(value) };
}
static int has(size_t at, const char *key, const char *value) {
    return strcmp(told.texts[at][0], key) == 0 && strcmp(told.texts[at][1], value) == 0;
}
static void begin(void) {
    item_count = 0;
    earlier_key = earlier_value = NULL;
}

static void test_metadata(void) {
    begin();
    run();
    CHECK(told.count == 0 && told.outcome == SPINDLE_SUCCESS);

    item("a", "1"), item("b", ""), item("c", "3");
    run();
    CHECK(told.count == 3 && has(0, "a", "1") && has(1, "b", "") && has(2, "c", "3"));

    item("a", "4"); /* of the same key the newest */
    run();
    CHECK(told.count == 3 && has(0, "a", "4") && has(2, "c", "3"));

    begin();
    earlier_key = "a", earlier_value = "early";
    run();
    CHECK(told.count == 1 && has(0, "a", "early"));
    item("b", "2");
    run();
    CHECK(told.count == 2 && has(0, "a", "early") && has(1, "b", "2"));
    item("a", "late");
    run();
    CHECK(told.count == 2 && has(0, "a", "late"));

    begin();
    item("bad\xff", "\xc3(");
    run();
    CHECK(told.count == 1 && has(0, "bad\xef\xbf\xbd", "\xef\xbf\xbd(") && told.text_replaced == 2);
    item("bad\xff", "x"); /* twice: counted once more, not three times */
    run();
    CHECK(told.count == 1 && has(0, "bad\xef\xbf\xbd", "x") && told.text_replaced == 3);
}

static void test_metadata_bounds(void) {
    static char names[MOST][8], large[SPINDLE_MAX_METADATA_BYTES];
    begin();
    for (int i = 0; i < MOST; i++) {
        snprintf(names[i], sizeof names[i], "k%d", i);
        item(names[i], "v");
    }
    run(); /* more than are looked at twice */
    CHECK(told.count == MOST && has(0, "k0", "v") && has(MOST - 1, "k199", "v"));

    begin();
    item("", "x");
    run();
    CHECK(told.origin == SPW_ORIGIN_CONTRACT && told.outcome == SPINDLE_PERMANENT);

    begin();
    memset(large, 'x', sizeof large - 1);
    item("k", large); /* key and value are exactly as large as may be */
    run();
    CHECK(told.outcome == SPINDLE_SUCCESS && told.count == 1);
    item("l", "");
    run();
    CHECK(told.origin == SPW_ORIGIN_CONTRACT && told.outcome == SPINDLE_PERMANENT);
}

static void wait_for(const int *count, int wanted) {
    pthread_mutex_lock(&told.lock);
    while (*count < wanted) pthread_cond_wait(&told.changed, &told.lock);
    pthread_mutex_unlock(&told.lock);
}

/* Many that end one after the other on the plugin's thread are all released, and the last news is that they are. */
static void test_gathered(void) {
    static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = "t", .execute = hold, .release = let_go,
                                                      .flags = SPINDLE_EXECUTOR_ASYNC | SPINDLE_EXECUTOR_CONCURRENT };
    spw_session *session = open_session(&kind);
    int before = told.released;
    told.gathered = told.together = 0;
    for (uint64_t token = 1; token <= AT_ONCE; token++) spw_session_run(session, start(session, token));
    CHECK(held.count == AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
        const spindle_result result = { .struct_size = sizeof result, .outcome = SPINDLE_SUCCESS, .retry_after_ms = -1 };
        CHECK(held.requests[i]->host->complete(held.requests[i]->ctx, held.handles[i], &result) == SPINDLE_OK);
    }
    wait_for(&told.released, before + AT_ONCE);
    wait_for(&told.gathered, 1);
    CHECK(spw_session_close(session) == 0); /* ends the session's thread */
    CHECK(atomic_load(&held.released) == AT_ONCE && told.together == AT_ONCE);
    CHECK(told.gathered >= 1 && told.gathered <= AT_ONCE);
}

int main(void) {
    test_metadata();
    test_metadata_bounds();
    test_gathered();
    return checks_closed();
}
