/* A host for one plugin in one process: enough of spindle_host to drive an executor and to catch it breaking the rules. */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <pthread.h>
#include <stdatomic.h>
#include <spindle/executor.h>

#define MOST_METADATA 160

struct run {
    spindle_request request;
    spindle_kv parameters[128];
    /* What came of it; read it after run_wait. */
    spindle_status returned;
    int32_t outcome;
    char code[80], message[512], *details, pointer[200];
    char *output;
    size_t output_length;
    char content_type[300];
    int64_t retry_after_ms;
    char *metadata[MOST_METADATA][2];
    size_t metadata_count;
    char note[256];
    /* The host's own. */
    char id[40];
    int64_t grace_ms;
    void *state;
    int32_t cancel_reason;
    int completed, released, executing, cancelling;
    struct run *next_release;
};

extern spindle_host fake_host;
extern atomic_int fake_breaches; /* rules broken by the plugin: always 0 */
extern const char *fake_key; /* the secret "key" */
extern char fake_last_error[512], fake_last_pointer[200], fake_last_log[512];

void fake_host_start(const spindle_executor_descriptor *descriptor);
/* Another executor from now on; no run is open. */
void fake_host_use(const spindle_executor_descriptor *descriptor);
/* What get_extension gives. */
extern const void *fake_extension;
void fake_host_stop(void); /* after the last run_wait: nothing may be open */

struct run *run_new(void *instance, const char *target);
void run_param(struct run *run, const char *key, const char *value);
void run_execute(struct run *run);
void run_cancel(struct run *run, int32_t reason);
/* Until release returned. */
void run_wait(struct run *run);
/* Until it has said what it waits for, or has ended. */
void run_wait_note(struct run *run);
int run_ended(struct run *run);
/* The state of an attempt that has not completed; release waits for run_unhold. */
void *run_hold(spindle_handle handle);
void run_unhold(spindle_handle handle);
void run_free(struct run *run);
const char *run_metadata(const struct run *run, const char *key);
void *fake_create(const char *config, spindle_status *status);

#endif
