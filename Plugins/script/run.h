/* One attempt, from execute to release. Until it is handed to the supervisor only execute touches it, afterwards only the
 * supervisor's thread (then the janitor's), except for the atomics, which cancel writes. Freed in release. */
#ifndef SCRIPT_RUN_H
#define SCRIPT_RUN_H

#include "artefacts.h"
#include "plan.h"
#include "report.h"
#include "spawn.h"
#include "workdir.h"

#include <stdatomic.h>
#include <sys/resource.h>

#define STREAM_TAIL_BYTES 4096
/* A line with its key and value must stay within SPINDLE_MAX_LOG_LINE_BYTES. */
#define STREAM_LINE_BYTES (SPINDLE_MAX_LOG_LINE_BYTES - 64)

struct stream {
    int fd;              /* -1: at its end */
    int32_t level;
    const char *name;
    uint64_t bytes;
    char *line;          /* the beginning of a line that is not complete yet; allocated when first needed */
    size_t line_len;
    bool after_return;   /* a CR ended the last line: a LF belongs to it */
    uint64_t lost_lines; /* the host did not keep up */
};

enum event { EVENT_PROCESS, EVENT_INPUT, EVENT_OUTPUT, EVENT_ERRORS, EVENT_REPORT };

struct run {
    const struct config *config;
    const spindle_request *request;
    struct plan plan;
    struct workdir home;     /* HOME and TMPDIR, and where it runs unless something else was asked for */
    int directory;           /* open: where it runs; home.fd or one of its own; -1 once it was started */
    struct problem problem;  /* why it could not be started */
    struct run *next;        /* in a queue or in the list of those that are active */

    /* A letter box: the reason is written first, the supervisor takes the grace out and then reads the reason. */
    atomic_bool asked_to_end; /* stays: what comes after the program's end looks at it too */
    atomic_int cancel_reason;
    _Atomic int64_t cancel_grace_ms; /* CANCEL_TAKEN = empty; below 0 = not known */

    struct spawned process;
    struct stream output, errors;
    struct report report;
    struct artefacts artefacts;
    bool room;               /* under the janitor's lock: the host may take artefacts again */
    char *kept;              /* stdout, as far as it is the result */
    size_t kept_len, kept_size;
    char tail[STREAM_TAIL_BYTES];
    size_t tail_len;
    size_t input_done;
    int64_t started_ns, heartbeat_ns, ended_ns;
    int64_t kill_ns;         /* when SIGKILL follows SIGTERM; 0 = no SIGTERM was sent */
    int64_t drain_ns;        /* after the program's end: when to stop waiting for those that hold its pipes; 0 = it runs */
    int told_to_end;         /* the reason of the SIGTERM that came before its end; SPINDLE_CANCEL_NONE = none */
    bool started, killed, incomplete, done, kept_failed, status_lost, home_stays;
    bool process_event;      /* the kernel says that the program is over */
    int status;              /* of wait4 */
    struct rusage usage;
};

#define CANCEL_TAKEN INT64_MIN

/* Works out the plan and makes the directories; may block. NULL: `problem` says why, nothing remains. */
struct run *run_make(const struct config *config, const spindle_request *request, struct problem *problem);
void run_free(struct run *run);
void run_ask_to_end(struct run *run, int reason, int64_t grace_ms); /* any thread */

/* Below: on the supervisor's thread. */

/* Starts the program, or sets `done` with `problem` or `told_to_end`. */
void run_start(struct run *run);
void run_event(struct run *run, enum event event, int64_t now);
/* Looks at cancel, timers and the end of the program; sets `done` when all is over and reaped. */
void run_step(struct run *run, int64_t now);
int64_t run_next_ns(const struct run *run, int64_t now); /* when run_step is due; -1 = not by itself */

/* output.c: reads what is there, logs the lines, keeps what is to be kept. True: something was read. */
bool stream_read(struct run *run, struct stream *stream);
void stream_end(struct run *run, struct stream *stream); /* logs the last line and closes */

/* result.c: the one call of complete. The run may be freed by another thread before it has returned. */
void result_send(struct run *run);
void result_refused(const spindle_request *request, const struct problem *problem);

int64_t now_ns(void); /* CLOCK_MONOTONIC */

#endif
