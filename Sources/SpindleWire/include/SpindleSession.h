/*
 * A session: one loaded plugin, its instances and attempts, and the host table that it is given. The worker turns the
 * output below into frames; a host that runs a plugin in its own process takes it as C callbacks. Handles, the life of
 * an attempt, the completion door, the release rule, UTF-8 and sizes are decided here and nowhere else.
 *
 * Tokens are the caller's names for attempts and instances (never 0); the plugin sees other handles. All functions may
 * be called from any thread unless one says more. A session owns one thread, for cancel, late releases and writable.
 */
#pragma once

#include "SpindleWire.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spw_session spw_session;

/* Called on whatever thread the news comes from, also a plugin's. Must not block, must not call the session
 * (but spw_session_line and spw_session_lines_end). What is
 * passed is valid during the call. `token` is 0 for the plugin. For one attempt the order is: any number of log,
 * progress, heartbeat, checkpoint, artefact; completed once; perhaps more log; released once. */
typedef struct spw_output {
    void *context;
    void (*completed)(void *context, uint64_t token, const spw_completed *result);
    /* With `gathers` others may follow at once, and then `gathered`. */
    void (*released)(void *context, uint64_t token, const spw_released *released, int32_t gathers);
    /* 1 = taken, 0 = dropped. With `is_last` it has to be taken: of the lines of an attempt that were dropped, the last
     * ones, together not over 64 KiB, come again before it completes. */
    int32_t (*log)(void *context, uint64_t token, const spw_log *line, int32_t is_last);
    void (*progress)(void *context, uint64_t token, const spw_progress *progress);
    void (*heartbeat)(void *context, uint64_t token);
    void (*checkpoint)(void *context, uint64_t token, spw_bytes bytes);
    int32_t (*artefact)(void *context, uint64_t token, const spw_artefact *artefact);  /* 1 = taken, 0 = no room now */
    /* Of a trigger's attempt; answered by spw_session_submitted. NULL: plugins are told that there are no triggers. */
    void (*submit)(void *context, uint64_t token, const spw_submit *submission);
    /* The releases that were done together are told. NULL: nobody wants to know. */
    void (*gathered)(void *context);
} spw_output;

/* Loads the library (never unloaded), checks its factory, starts the session's thread. Calls nothing but the factory.
 * `page` may be NULL. NULL: `message` says why, for the operator. */
spw_session *spw_session_open(const char *path, const spw_output *output, spw_page *page, char *message,
                              size_t capacity);
/* The same for a factory (const spindle_executor_factory *) that is linked in or found in another way. */
spw_session *spw_session_open_factory(const void *factory, const spw_output *output, spw_page *page, char *message,
                                      size_t capacity);
/* Destroys the instances, calls the plugin's shutdown, ends the session's thread; once. Only when no attempt is open;
 * SPINDLE_E_BUSY otherwise, and nothing was done. Of the functions below, line and stats may still be called after it. */
int32_t spw_session_shutdown(spw_session *session);
/* The same, instead of it, and frees everything: no other thread may be in the session, nor one of the plugin's later. */
int32_t spw_session_close(spw_session *session);

/* Where the library was loaded; 0 if it is not known. */
uint64_t spw_session_load_base(const spw_session *session);

/* What the factory and its descriptors say, the kinds of trigger after the executors. Texts are cleaned and live in the arena or in the library. */
void spw_session_report_plugin(spw_session *session, spw_report_plugin *report, spw_arena *arena);
int32_t spw_session_report_executor(spw_session *session, uint32_t index, spw_report_executor *report,
                                    spw_arena *arena);
/* The descriptor as its `describe` changes it for one instance. Status of the plugin; `answer` as for create. */
int32_t spw_session_describe(spw_session *session, const spw_create *what, spw_report_executor *report,
                             spw_answer *answer, spw_arena *arena);

/* The plugin's init; once, before create. Those below fill `answer`: its texts live in the arena. They may block. */
void spw_session_init(spw_session *session, const char *host_version, spw_answer *answer, spw_arena *arena);
void spw_session_create(spw_session *session, uint64_t token, const spw_create *what, spw_answer *answer,
                        spw_arena *arena);
void spw_session_check(spw_session *session, uint64_t token, spw_answer *answer, spw_arena *arena);
void spw_session_destroy(spw_session *session, uint64_t token, spw_answer *answer, spw_arena *arena);
/* Pure; may run beside anything. 1 = yes. */
int32_t spw_session_can_execute(spw_session *session, const spw_question *question);

/* Takes an attempt: copies `start`, so that a cancel finds it from here on. Returns what to give to run, on the same or
 * another thread, soon; 0 = it was refused, and completed and released were called. Does not block. */
uint64_t spw_session_accept(spw_session *session, uint64_t token, const spw_start *start);
/* Calls execute: blocks as long as it takes. Afterwards, or later for a pending one, comes released. */
void spw_session_run(spw_session *session, uint64_t accepted);
/* Asks an attempt to end; unknown tokens and reasons given before are ignored. An attempt that has not run yet will
 * not. Does not block. */
void spw_session_cancel(spw_session *session, uint64_t token, uint32_t reason, int64_t grace_ms);
/* The answer to a submission of an attempt; one that is over is ignored. Does not block. */
void spw_session_submitted(spw_session *session, uint64_t token, const spw_submitted *answer);
/* There is room for artefacts again. Does not block. */
void spw_session_writable(spw_session *session);

void spw_session_set_log_level(spw_session *session, uint32_t level);
/* Fills all but the nonce. */
void spw_session_stats(spw_session *session, spw_pong *stats);
/* The only attempt that is open, or 0 if none or several are: whom a line on stdout belongs to. */
uint64_t spw_session_only_attempt(spw_session *session);
/* The token of the calling thread's attempt. Async-signal-safe. */
uint64_t spw_session_current_token(void);
/* A line that the plugin wrote to its output: cleaned and cut, then `log`. For whom: only_attempt, or 0. Never called twice
 * at once, nor beside the next. */
void spw_session_line(spw_session *session, uint64_t token, uint32_t stream, spw_bytes line);
/* That attempt's lines end here, for now: `log` gets the last ones of those that it dropped. Before it completes. */
void spw_session_lines_end(spw_session *session, uint64_t token);

#ifdef __cplusplus
}
#endif
