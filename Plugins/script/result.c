/* What the host is told at the end. */
#include "run.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define METADATA 18

struct ending {
    spindle_error error;
    spindle_result result;
    char code[SPINDLE_MAX_CODE_BYTES + 1];
    char message[2048];
    char details[5 * 1024 + 6 * STREAM_TAIL_BYTES]; /* the tail may be escaped byte by byte */
    char numbers[METADATA][24];
    spindle_kv metadata[METADATA];
};

static void add_text(struct ending *e, const char *key, const char *value) {
    if (e->result.metadata_count == METADATA) return;
    e->metadata[e->result.metadata_count].key = spindle_str_from_cstr(key);
    e->metadata[e->result.metadata_count++].value = spindle_str_from_cstr(value);
}

static void add_number(struct ending *e, const char *key, uint64_t number) {
    char *text = e->numbers[e->result.metadata_count % METADATA];
    (void)snprintf(text, sizeof e->numbers[0], "%llu", (unsigned long long)number);
    add_text(e, key, text);
}

static uint64_t milliseconds(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000u + (uint64_t)time.tv_usec / 1000u;
}

/* "SEGV", or "RT3" of a signal without a name. */
static void signal_name(int number, char *name, size_t size) {
    const char *known = sigabbrev_np(number);
    if (known != NULL) {
        (void)snprintf(name, size, "%s", known);
    } else {
        (void)snprintf(name, size, "RT%d", number - SIGRTMIN);
    }
}

static void add_metadata(const struct run *run, struct ending *e) {
    char *name = e->numbers[METADATA - 1];
    if (!run->status_lost && WIFEXITED(run->status)) add_number(e, "exitCode", (uint64_t)WEXITSTATUS(run->status));
    if (!run->status_lost && WIFSIGNALED(run->status)) {
        signal_name(WTERMSIG(run->status), name, sizeof e->numbers[0]);
        add_text(e, "signal", name);
    }
    add_number(e, "durationMs", (uint64_t)((run->ended_ns - run->started_ns) / 1000000));
    add_number(e, "stdoutBytes", run->output.bytes);
    add_number(e, "stderrBytes", run->errors.bytes);
    if (!run->status_lost) {
        add_number(e, "maxRssKiB", (uint64_t)run->usage.ru_maxrss);
        add_number(e, "userMs", milliseconds(run->usage.ru_utime));
        add_number(e, "systemMs", milliseconds(run->usage.ru_stime));
    }
    if (run->output.bytes > run->kept_len) add_text(e, "truncated", "true");
    if (run->incomplete) add_text(e, "incomplete", "true");
    if (run->output.lost_lines + run->errors.lost_lines > 0) {
        add_number(e, "logLinesDropped", run->output.lost_lines + run->errors.lost_lines);
    }
    if (run->artefacts.kept > 0) add_number(e, "artefacts", run->artefacts.kept);
    if (run->artefacts.skipped > 0) add_number(e, "artefactsSkipped", run->artefacts.skipped);
    if (run->report.bad_lines > 0) add_number(e, "reportErrors", run->report.bad_lines);
    if (run->home_stays) add_text(e, "directoryRemains", "true");
}

/* The last lines of stderr, at most three and 600 bytes, for the message. */
static spindle_str last_lines(const struct run *run) {
    size_t end = run->tail_len, start, lines = 0;
    while (end > 0 && (unsigned char)run->tail[end - 1] <= ' ') end--;
    for (start = end; start > 0 && end - start < 600; start--) {
        if (run->tail[start - 1] == '\n' && ++lines == 3) break;
    }
    while (start < end && ((unsigned char)run->tail[start] & 0xC0) == 0x80) start++;
    return spindle_str_make(run->tail + start, end - start);
}

static void describe(const struct run *run, struct ending *e, const char *what) {
    struct text message = { e->message, 0, sizeof e->message };
    struct text details = { e->details, 0, sizeof e->details };
    spindle_str lines = last_lines(run);
    char name[24];
    text_format(&message, "%.*s %s", shown(strlen(run->plan.program)), run->plan.program, what);
    if (lines.len > 0) {
        text_add(&message, ": ", 2);
        text_add(&message, lines.ptr, lines.len);
    }
    text_add(&details, "{\"program\":", 11);
    text_json(&details, run->plan.program, strlen(run->plan.program));
    if (!run->status_lost && WIFEXITED(run->status)) text_format(&details, ",\"exitCode\":%d", WEXITSTATUS(run->status));
    if (!run->status_lost && WIFSIGNALED(run->status)) {
        signal_name(WTERMSIG(run->status), name, sizeof name);
        text_format(&details, ",\"signal\":\"%s\"", name);
    }
    text_add(&details, ",\"stderrTail\":", 14);
    text_json(&details, run->tail, run->tail_len);
    text_add(&details, "}", 1);
    e->error.message = spindle_str_make(message.data, message.len);
    e->error.details = spindle_str_make(details.data, details.len);
}

static const char *reason_text(int reason) {
    switch (reason) {
    case SPINDLE_CANCEL_USER: return "somebody asked for it";
    case SPINDLE_CANCEL_TIMEOUT: return "its deadline passed";
    case SPINDLE_CANCEL_SHUTDOWN: return "the host stops";
    case SPINDLE_CANCEL_LOST: return "the host lost its right to the attempt";
    default: return "it was cancelled";
    }
}

static void fail(const struct run *run, struct ending *e, int32_t outcome, const char *what) {
    e->result.outcome = outcome;
    e->error.code = spindle_str_from_cstr(e->code);
    e->result.error = &e->error;
    describe(run, e, what);
}

/* Which limit ended it, NULL = none. The second sign of the processor's is for those that ignore the first. */
static const char *limit_hit(const struct run *run) {
    int64_t seconds = run->plan.limits.value[LIMIT_CPU];
    uint64_t used = milliseconds(run->usage.ru_utime) + milliseconds(run->usage.ru_stime);
    int number = WTERMSIG(run->status);
    if (number == SIGXFSZ) return "file";
    if (number == SIGXCPU) return "cpu";
    return number == SIGKILL && seconds >= 0 && used >= (uint64_t)seconds * 1000u ? "cpu" : NULL;
}

static void judge_signal(const struct run *run, struct ending *e) {
    const char *limit = limit_hit(run);
    char what[160], name[24], *c;
    signal_name(WTERMSIG(run->status), name, sizeof name);
    if (limit != NULL) {
        (void)snprintf(e->code, sizeof e->code, "script.limit.%s", limit);
        (void)snprintf(what, sizeof what, "was killed by SIG%s, because %s", name,
                       *limit == 'c' ? "it used up its time of processors" : "it wrote a file that is longer than it may");
        fail(run, e, SPINDLE_PERMANENT, what);
        return;
    }
    (void)snprintf(what, sizeof what, "was killed by SIG%s%s", name,
                   WTERMSIG(run->status) == SIGKILL ? " (perhaps for want of memory)" : "");
    for (c = name; *c != 0; c++) *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    (void)snprintf(e->code, sizeof e->code, "script.signal.%s", name);
    fail(run, e, SPINDLE_RETRYABLE, what);
}

/* Its exit code counts as a failure; what it said of that itself goes before what the code says. */
static void judge_failure(const struct run *run, struct ending *e, int exit_code) {
    const struct report *report = &run->report;
    int32_t outcome = run->plan.codes.verdict[exit_code] == VERDICT_PERMANENT ? SPINDLE_PERMANENT : SPINDLE_RETRYABLE;
    char what[160];
    if (run->plan.codes.verdict[exit_code] == VERDICT_NOT_RUN) {
        (void)snprintf(e->code, sizeof e->code, "script.exec");
        (void)snprintf(what, sizeof what, "ended with exit code %d, which means that a program could not be %s", exit_code,
                       exit_code == 127 ? "found" : "run");
        fail(run, e, SPINDLE_PERMANENT, what);
        return;
    }
    (void)snprintf(e->code, sizeof e->code, "script.exit.%d", exit_code);
    (void)snprintf(what, sizeof what, "ended with exit code %d", exit_code);
    if (report->failed && report->retryable >= 0) outcome = report->retryable ? SPINDLE_RETRYABLE : SPINDLE_PERMANENT;
    fail(run, e, outcome, what);
    if (!report->failed) return;
    if (report->code[0] != 0) (void)snprintf(e->code, sizeof e->code, "script.reported.%s", report->code);
    e->error.code = spindle_str_from_cstr(e->code);
    e->error.message = spindle_str_from_cstr(report->message);
    if (outcome == SPINDLE_RETRYABLE) e->result.retry_after_ms = report->retry_after_ms;
}

/* The program did its work, but not all that it left can be handed over. */
static void judge_rest(const struct run *run, struct ending *e) {
    char what[500];
    if (run->report.bad_lines > 0) {
        (void)snprintf(e->code, sizeof e->code, "script.report");
        (void)snprintf(what, sizeof what, "ended well, but %zu of its reports cannot be read; the first: %s",
                       run->report.bad_lines, run->report.first_bad);
        fail(run, e, SPINDLE_PERMANENT, what);
    } else if (run->artefacts.failure[0] != 0) {
        (void)snprintf(e->code, sizeof e->code, run->artefacts.outcome == SPINDLE_CANCELLED ? "script.cancelled"
                                                                                            : "script.artefacts");
        (void)snprintf(what, sizeof what, "ended well, but %s", run->artefacts.failure);
        fail(run, e, run->artefacts.outcome, what);
    }
}

static void judge(const struct run *run, struct ending *e) {
    char what[160];
    if (run->told_to_end != SPINDLE_CANCEL_NONE) {
        (void)snprintf(e->code, sizeof e->code, "script.cancelled");
        (void)snprintf(what, sizeof what, "was ended%s because %s", run->killed && WIFSIGNALED(run->status) &&
                       WTERMSIG(run->status) == SIGKILL ? " by force" : "", reason_text(run->told_to_end));
        fail(run, e, SPINDLE_CANCELLED, what);
    } else if (run->status_lost) {
        (void)snprintf(e->code, sizeof e->code, "script.status");
        fail(run, e, SPINDLE_RETRYABLE, "ended, but another part of this process took its status");
    } else if (WIFSIGNALED(run->status)) {
        judge_signal(run, e);
    } else if (run->plan.codes.verdict[WEXITSTATUS(run->status)] != VERDICT_SUCCESS) {
        judge_failure(run, e, WEXITSTATUS(run->status));
    } else {
        judge_rest(run, e);
    }
}

void result_refused(const spindle_request *request, const struct problem *problem) {
    spindle_error error;
    spindle_result result;
    memset(&error, 0, sizeof error);
    memset(&result, 0, sizeof result);
    error.struct_size = (uint32_t)sizeof error;
    error.outcome = problem->outcome;
    error.code = spindle_str_from_cstr(problem->code);
    error.message = spindle_str_from_cstr(problem->message);
    error.pointer = spindle_str_from_cstr(problem->pointer);
    result.struct_size = (uint32_t)sizeof result;
    result.outcome = problem->outcome;
    result.error = &error;
    result.retry_after_ms = -1;
    (void)request->host->complete(request->ctx, request->handle, &result);
}

void result_send(struct run *run) {
    static _Thread_local struct ending e; /* 30 KiB; static data rather than a thread's stack */
    const spindle_request *request = run->request;
    if (run->problem.code[0] != 0) {
        result_refused(request, &run->problem);
        return;
    }
    memset(&e, 0, offsetof(struct ending, details));
    e.error.struct_size = (uint32_t)sizeof e.error;
    e.result.struct_size = (uint32_t)sizeof e.result;
    e.result.outcome = SPINDLE_SUCCESS;
    e.result.retry_after_ms = -1;
    e.result.metadata = e.metadata;
    if (!run->started) {
        (void)snprintf(e.code, sizeof e.code, "script.cancelled");
        run->status_lost = true;
        fail(run, &e, SPINDLE_CANCELLED, "was not started: the attempt was cancelled first");
    } else {
        add_metadata(run, &e);
        judge(run, &e);
        e.result.output = spindle_str_make(run->kept, run->kept_len);
        e.result.content_type = run->plan.content_type;
        if (run->report.result != NULL) {
            e.result.output = spindle_str_make(run->report.result, run->report.result_len);
            e.result.content_type = spindle_str_from_cstr(run->report.content_type);
        }
    }
    (void)request->host->complete(request->ctx, request->handle, &e.result);
}
