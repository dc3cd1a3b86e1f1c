/* A host that loads the plugin and holds it to the rules of the ABI. */
#ifndef HOST_H
#define HOST_H

#include <spindle/executor.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

struct line {
    struct line *next;
    int32_t level;
    size_t len;
    char stream[8];
    char text[];
};

struct artefact {
    struct artefact *next;
    char name[SPINDLE_MAX_NAME_BYTES + 1], *bytes;
    size_t len;
    bool whole; /* its last chunk came */
};

struct attempt {
    spindle_request request;
    spindle_kv *parameters;
    void *instance, *state;
    /* Under the host's lock: */
    bool returned, completed, released;
    int cancelling;
    int32_t cancel_state, outcome;
    int64_t retry_after_ms;
    char code[80], message[4096], pointer[300], content_type[300], *details, *output;
    size_t details_len, output_len, metadata_count;
    char metadata[20][2][64];
    struct line *lines, **last_line;
    size_t line_count;
    bool refuse_lines; /* log says AGAIN */
    size_t progress_count;
    int64_t progress_done, progress_total;
    char note[100];
    char reported[20][2][300]; /* metadata before the end */
    size_t reported_count;
    struct artefact *artefacts;
    int no_room;               /* how often artefact_write says AGAIN; -1: always, and never is there room */
    bool wants_room;
    int32_t artefact_status;   /* what artefact_write says otherwise */
    struct attempt *next;
};

extern int passed, failed;
extern char scratch[]; /* a directory for the tests; tempDirectory of the instances is in it */

/* Counts and says what was expected. */
#define CHECK(condition, ...) check((condition), #condition, __FILE__, __LINE__, __VA_ARGS__)
/* The same for what is checked thousands of times: only a failure is counted. */
#define RULE(condition, ...) ((condition) || check(false, #condition, __FILE__, __LINE__, __VA_ARGS__))
__attribute__((format(printf, 5, 6))) bool check(bool good, const char *what, const char *file, int line,
                                                 const char *format, ...);

void host_load(const char *path);
void host_shutdown(void);

/* NULL: refused; host_error has why. `config` gets a tempDirectory unless it has one. */
void *host_create(const char *config);
spindle_status host_check(void *instance);
void host_destroy(void *instance);
extern struct host_error {
    char code[80], message[4096], pointer[300];
} host_error;

/* Parameters: key, value, …, NULL. */
struct attempt *start(void *instance, const char *target, ...);
struct attempt *start_with(void *instance, const char *target, spindle_str payload, const spindle_kv *parameters,
                           size_t count);
void wait_for(struct attempt *attempt); /* until it was released */
const char *wait_for_line(struct attempt *attempt, const char *beginning); /* NULL: it ended without one */
void cancel_attempt(struct attempt *attempt, int32_t reason, int64_t grace_ms);
void attempt_free(struct attempt *attempt);
const char *metadata(struct attempt *attempt, const char *key); /* "" if there is none */
const char *reported(struct attempt *attempt, const char *key); /* the same, of what the program told on its way */
struct artefact *artefact(struct attempt *attempt, const char *name); /* NULL if there is none */
void set_room(struct attempt *attempt, int no_room);
void wait_for_no_room(struct attempt *attempt); /* until the host said AGAIN */
bool wait_for_death(long pid); /* by pidfd */
void expect(struct attempt *attempt, int32_t outcome, const char *code, const char *what); /* waits for it */
void expect_output(struct attempt *attempt, const char *output, const char *what);         /* and frees it */

void tests_run(void);
void tests_refusals(void);
void tests_end(void);
void tests_interpreters(void);
void tests_limits(void);
void tests_reports(void);
void tests_artefacts(void);
void tests_load(bool quick);
void tests_shutdown(void *instance); /* ends with host_shutdown */

#endif
