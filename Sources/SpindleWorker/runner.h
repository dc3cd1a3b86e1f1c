/*
 * The runner: loads the plugin and runs it.
 *
 * Threads: `threads` + 1 equal ones that take turns (pool.c). Whoever finds frames on the socket reads them all, takes
 * the first job itself and leaves the socket to the others, which are waiting there already: no hand-over is on the way
 * of a single call, and one thread is always free to read a cancel or a ping. Further: the writer (output.c), the one
 * that reads the plugin's stdout and stderr (capture.c), and the session's own for cancel and late releases.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "SpindleSession.h"

/* ---- output.c: frames to the host. ---------------------------------------------------------------------------------- */

/* CREDIT_LOG_AHEAD: takes from CREDIT_LOG even what is not there yet; for little, and never refused. */
enum { CREDIT_NONE, CREDIT_LOG, CREDIT_ARTEFACT, CREDIT_LOG_AHEAD };

void output_start(void);
void output_credit(uint64_t log_bytes, uint64_t artefact_bytes);
/* Queues a frame; 0 = it needs credit that is not there, nothing was queued. */
int output_add(uint16_t type, uint64_t handle, const void *message, int credit);
/* Writes what is queued, on this thread if nobody is at it and the socket has room. Never blocks. */
void output_flush(void);
/* Has what is queued written soon by the writer, together with what comes until then: with many attempts open not
 * before SPW_GATHER_NS after the last write. Cheap; never blocks. */
void output_kick(void);
/* Has what is queued written within a millisecond, or with the next flush: for a thread that will flush itself soon,
 * but perhaps not. Costs nothing while the timer runs. */
void output_defer(void);
int output_timer(void); /* the descriptor that the pool watches for it */
void output_timer_fired(void);
/* Waits until everything is written. Only before the process ends. */
void output_finish(void);
/* Whether everything is written, as far as can be seen without waiting. For handlers of signals, as are the next two. */
int output_is_written(void);

/* ---- capture.c: the plugin's stdout and stderr. ----------------------------------------------------------------------- */

/* Puts pipes in the place of descriptors 1 and 2. Before anything of the plugin runs. 0 = it failed. */
int capture_prepare(void);
void capture_start(spw_session *session);
/* Lines belong to this attempt from here on; 0 = to the plugin. */
void capture_belongs_to(uint64_t token);
/* Tells what was written until now, the last lines in any case; before the attempt that it belongs to completes. */
void capture_drain(void);
/* The process is about to end: what was written last is told even if no newline follows. */
void capture_last_words(void);
/* Whether all that was written is told. */
int capture_is_told(void);

/* ---- crash.c --------------------------------------------------------------------------------------------------------- */

void crash_install(spw_page *page);
void crash_set_load_base(uint64_t base);
/* Before an end of the process that nobody expects: gives the threads that read and send what the plugin said a moment. */
void crash_await_last_words(void);
/* A stack for the handler, for the calling thread. */
void crash_prepare_thread(void);

/* ---- jobs.c: what frames ask for. -------------------------------------------------------------------------------------- */

typedef struct job {
    struct job *next;
    uint16_t type;
    uint64_t token;
    uint64_t accepted;  /* for START */
    spw_bytes body;     /* a copy behind the struct, for the others */
} job;

/* Handles what must not wait, on the reading thread; else returns a job for the pool. -1: not the protocol. */
int jobs_take(const spw_frame *frame, job **made);
/* Does it and frees it. May block. */
void jobs_do(job *job);
/* Loads the plugin and answers HELLO; `number` is how the host knows this process. 0 = FAILED was sent. */
int jobs_hello(const spw_hello *hello, spw_page *page, int number);
/* The attempts that are open or about to be; few of them are answered at once, many in batches. */
int jobs_are_few(void);
/* Whether an execute mostly begins something and returns: those of ASYNC executors. */
int jobs_are_brief(void);

/* ---- pool.c ------------------------------------------------------------------------------------------------------------ */

/* Serves the socket until it closes; `input` may hold frames that came with HELLO. */
void pool_run(spw_input *input, uint32_t threads) __attribute__((noreturn));
