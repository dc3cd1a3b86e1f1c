/* What the host's frames ask for, and what the session has to say, as frames. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hygiene.h"
#include "runner.h"

enum { ASYNC = 0x02, CONCURRENT = 0x04 }; /* SPINDLE_EXECUTOR_…; the header is the session's business */

static struct {
    spw_session *session;
    char host_version[64];
    int initialised;
    _Atomic int serial;   /* at most one attempt at a time: lines on stdout are its own */
    _Atomic int may_block; /* there is an executor whose execute works itself */
    _Atomic int stopping; /* the session takes nothing any more */
    _Atomic uint32_t open;
    hygiene_changes loading; /* what loading the plugin has changed, in a process that was asked to look */
} worker;

/* The attempt that this thread of the pool runs; 0 elsewhere. */
static __thread uint64_t running;

int jobs_are_few(void) { return atomic_load_explicit(&worker.open, memory_order_relaxed) <= SPW_FEW_ATTEMPTS; }

int jobs_are_brief(void) { return !atomic_load_explicit(&worker.may_block, memory_order_relaxed); }

/* A single caller waits for its answer; of many, each gets its own sooner if all are sent together. */
static void answer_soon(void) {
    if (jobs_are_few()) output_flush();
    else output_kick();
}

/* ---- The session's output. ------------------------------------------------------------------------------------------ */

static void on_completed(void *context, uint64_t token, const spw_completed *result) {
    (void)context;
    if (atomic_load_explicit(&worker.serial, memory_order_relaxed)) capture_drain();
    output_add(SPW_COMPLETED, token, result, CREDIT_NONE);
    /* Mostly it is released at once, and then RELEASED goes with it in one write: two would wake the host twice. An execute
     * that works on, or a slow release, is not waited for longer than the timer. */
    if (running == token || !jobs_are_few()) output_defer();
    else output_flush();
}

static void on_released(void *context, uint64_t token, const spw_released *released, int32_t gathers) {
    (void)context;
    if (atomic_load_explicit(&worker.serial, memory_order_relaxed)) {
        capture_drain();
        capture_belongs_to(0);
    }
    output_add(SPW_RELEASED, token, released, CREDIT_NONE);
    if (gathers) output_defer(); /* the release of the next one may take its time */
    else answer_soon();
    atomic_fetch_sub(&worker.open, 1);
}

static void on_gathered(void *context) {
    (void)context;
    output_flush();
}

static int32_t on_log(void *context, uint64_t token, const spw_log *line, int32_t is_last) {
    (void)context;
    int taken = output_add(SPW_LOG, token, line, is_last ? CREDIT_LOG_AHEAD : CREDIT_LOG);
    if (taken) output_kick();
    return taken;
}

static void on_progress(void *context, uint64_t token, const spw_progress *progress) {
    (void)context;
    output_add(SPW_PROGRESS, token, progress, CREDIT_NONE);
    output_kick();
}

static void on_heartbeat(void *context, uint64_t token) {
    (void)context;
    output_add(SPW_HEARTBEAT, token, NULL, CREDIT_NONE);
    output_kick();
}

static void on_checkpoint(void *context, uint64_t token, spw_bytes bytes) {
    (void)context;
    const spw_blob blob = { bytes };
    output_add(SPW_CHECKPOINT, token, &blob, CREDIT_NONE);
    output_kick();
}

static int32_t on_artefact(void *context, uint64_t token, const spw_artefact *artefact) {
    (void)context;
    int taken = output_add(SPW_ARTEFACT, token, artefact, CREDIT_ARTEFACT);
    if (taken) output_kick();
    return taken;
}

static void on_submit(void *context, uint64_t token, const spw_submit *submission) {
    (void)context;
    output_add(SPW_SUBMIT, token, submission, CREDIT_NONE);
    output_kick();
}

/* ---- HELLO ------------------------------------------------------------------------------------------------------------ */

int jobs_hello(const spw_hello *hello, spw_page *page, int number) {
    const spw_output output = {
        NULL, on_completed, on_released, on_log, on_progress, on_heartbeat, on_checkpoint, on_artefact,
        on_submit, on_gathered,
    };
    char path[32], message[1024];
    snprintf(path, sizeof path, "/proc/self/fd/%d", SPW_FD_PLUGIN);
    if (hello->audits) hygiene_load(path, &worker.loading);
    spw_session *session = spw_session_open(path, &output, page, message, sizeof message);
    if (session == NULL) {
        const spw_failed failed = { { "spindle.load", strlen("spindle.load") }, { message, strlen(message) } };
        output_add(SPW_FAILED, 0, &failed, CREDIT_NONE);
        return 0;
    }
    size_t length = hello->host_version.len < sizeof worker.host_version ? hello->host_version.len
                                                                          : sizeof worker.host_version - 1;
    if (length > 0) memcpy(worker.host_version, hello->host_version.ptr, length);
    worker.session = session;
    spw_session_set_log_level(session, hello->log_level);
    crash_set_load_base(spw_session_load_base(session));
    capture_start(session);
    spw_arena arena = { 0 };
    spw_report_plugin plugin;
    spw_session_report_plugin(session, &plugin, &arena);
    const spw_ready ready = {
        .build_id = { spw_build_id(), strlen(spw_build_id()) },
        .digest = hello->digest,
        .abi_minor = plugin.abi_minor,
        .pid = (uint32_t)number,
        .plugin_id = plugin.plugin_id,
        .plugin_version = plugin.plugin_version,
        .executor_count = plugin.executor_count,
    };
    output_add(SPW_READY, 0, &ready, CREDIT_NONE);
    spw_arena_free(&arena);
    return 1;
}

/* ---- On the reading thread: what must not wait for a plugin. ----------------------------------------------------------- */

static void pong(uint64_t nonce) {
    spw_pong pong = { 0 };
    if (!atomic_load(&worker.stopping)) spw_session_stats(worker.session, &pong);
    pong.nonce = nonce;
    output_add(SPW_PONG, 0, &pong, CREDIT_NONE);
    output_flush();
}

static job *job_for(const spw_frame *frame, size_t extra) {
    job *made = malloc(sizeof *made + extra);
    if (made == NULL) _exit(67);
    *made = (job){ .type = frame->type, .token = frame->handle };
    return made;
}

static int take_start(const spw_frame *frame, job **made) {
    spw_start start;
    spw_arena arena = { 0 };
    int status = spw_decode(frame, &start, sizeof start, &arena);
    if (status == SPW_OK && !atomic_load(&worker.stopping)) {
        atomic_fetch_add(&worker.open, 1);
        uint64_t accepted = spw_session_accept(worker.session, frame->handle, &start);
        /* The session has copies; the input's buffer keeps none. */
        if (start.secrets.count > 0) explicit_bzero((void *)(uintptr_t)frame->body.ptr, frame->body.len);
        if (accepted != 0) {
            *made = job_for(frame, 0);
            (*made)->accepted = accepted;
        }
    }
    spw_arena_free(&arena);
    return status == SPW_OK ? 0 : -1;
}

static int take_small(const spw_frame *frame) {
    spw_arena none = { 0 };
    spw_ping ping;
    spw_credit credit;
    spw_cancel cancel;
    spw_level level;
    spw_submitted submitted;
    switch (frame->type) {
    case SPW_PING:
        if (spw_decode(frame, &ping, sizeof ping, &none) != SPW_OK) return -1;
        pong(ping.nonce);
        return 0;
    case SPW_CREDIT:
        if (spw_decode(frame, &credit, sizeof credit, &none) != SPW_OK) return -1;
        output_credit(credit.log_bytes, credit.artefact_bytes);
        if (credit.artefact_bytes > 0 && !atomic_load(&worker.stopping)) spw_session_writable(worker.session);
        return 0;
    case SPW_CANCEL:
        if (spw_decode(frame, &cancel, sizeof cancel, &none) != SPW_OK) return -1;
        if (!atomic_load(&worker.stopping)) {
            spw_session_cancel(worker.session, frame->handle, cancel.reason, cancel.grace_ms);
        }
        return 0;
    case SPW_SUBMITTED:
        if (spw_decode(frame, &submitted, sizeof submitted, &none) != SPW_OK) return -1;
        if (!atomic_load(&worker.stopping)) spw_session_submitted(worker.session, frame->handle, &submitted);
        return 0;
    default:
        if (spw_decode(frame, &level, sizeof level, &none) != SPW_OK) return -1;
        if (!atomic_load(&worker.stopping)) spw_session_set_log_level(worker.session, level.level);
        return 0;
    }
}

int jobs_take(const spw_frame *frame, job **made) {
    switch (frame->type) {
    case SPW_START: return take_start(frame, made);
    case SPW_PING:
    case SPW_CREDIT:
    case SPW_CANCEL:
    case SPW_SUBMITTED:
    case SPW_SET_LOG_LEVEL: return take_small(frame);
    case SPW_SHUTDOWN: atomic_store(&worker.stopping, 1); break;
    case SPW_DESCRIBE:
    case SPW_DESCRIBE_INSTANCE:
    case SPW_AUDIT:
    case SPW_CREATE:
    case SPW_CHECK:
    case SPW_DESTROY:
    case SPW_CAN_EXECUTE: break;
    default: return -1;
    }
    *made = job_for(frame, frame->body.len);
    (*made)->body = (spw_bytes){ *made + 1, frame->body.len };
    if (frame->body.len > 0) memcpy(*made + 1, frame->body.ptr, frame->body.len);
    if (frame->type == SPW_CREATE) explicit_bzero((void *)(uintptr_t)frame->body.ptr, frame->body.len); /* may hold secrets */
    return 0;
}

/* ---- On a thread of the pool: what may block. ----------------------------------------------------------------------------- */

static void fail_question(uint64_t token, const spw_answer *answer) {
    const spw_failed failed = { answer->fault.code, answer->fault.message };
    output_add(SPW_FAILED, token, &failed, CREDIT_NONE);
}

static void describe_all(spw_arena *arena) {
    spw_report_plugin plugin;
    spw_report_executor executor;
    spw_session_report_plugin(worker.session, &plugin, arena);
    plugin.changes = (spw_list){ worker.loading.items, worker.loading.count };
    output_add(SPW_REPORT_PLUGIN, 0, &plugin, CREDIT_NONE);
    for (uint32_t i = 0; spw_session_report_executor(worker.session, i, &executor, arena) == 0; i++) {
        output_add(SPW_REPORT_EXECUTOR, i, &executor, CREDIT_NONE);
    }
    output_add(SPW_REPORT_END, 0, NULL, CREDIT_NONE);
}

static void describe_one(uint64_t token, const spw_create *what, spw_arena *arena) {
    spw_report_executor executor;
    spw_answer answer;
    if (spw_session_describe(worker.session, what, &executor, &answer, arena) < 0) {
        fail_question(token, &answer);
        return;
    }
    output_add(SPW_REPORT_EXECUTOR, token, &executor, CREDIT_NONE);
    output_add(SPW_REPORT_END, token, NULL, CREDIT_NONE);
}

/* The plugin's init comes with its first instance: a mere listing never calls it. */
static void create(uint64_t token, const spw_create *what, spw_answer *answer, spw_arena *arena) {
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&once);
    int64_t status = 0;
    if (!worker.initialised) {
        spw_session_init(worker.session, worker.host_version, answer, arena);
        status = answer->status;
        worker.initialised = status >= 0;
    }
    pthread_mutex_unlock(&once);
    if (status < 0) return;
    spw_session_create(worker.session, token, what, answer, arena);
    spw_report_executor kind;
    for (uint32_t i = 0; spw_session_report_executor(worker.session, i, &kind, arena) == 0; i++) {
        int same = kind.type.len == what->uses.len && memcmp(kind.type.ptr, what->uses.ptr, kind.type.len) == 0;
        if (!same || kind.is_trigger != what->is_trigger) continue;
        atomic_store(&worker.serial, (kind.flags & CONCURRENT) == 0);
        if ((kind.flags & ASYNC) == 0) atomic_store(&worker.may_block, 1);
    }
}

/* Only in a process that is thrown away. */
static void audit(spw_arena *arena) {
    static hygiene_changes changes;
    spw_answer answer = { 0 };
    hygiene *before = hygiene_look();
    spw_session_init(worker.session, worker.host_version, &answer, arena);
    hygiene_compare(before, &changes);
    hygiene_free(before);
    const spw_audited audited = { answer.status, { changes.items, changes.count } };
    output_add(SPW_AUDITED, 0, &audited, CREDIT_NONE);
}

static void stop(void) {
    /* Open attempts are the host's wish then: it does not wait for them. */
    (void)spw_session_shutdown(worker.session);
    capture_drain();
    output_finish();
    _exit(0);
}

static void ask(const spw_frame *frame, spw_arena *arena) {
    spw_create what;
    spw_question question;
    spw_answer answer = { 0 };
    int status = SPW_OK;
    switch (frame->type) {
    case SPW_DESCRIBE: describe_all(arena); return;
    case SPW_AUDIT: audit(arena); return;
    case SPW_DESCRIBE_INSTANCE:
        if ((status = spw_decode(frame, &what, sizeof what, arena)) != SPW_OK) break;
        describe_one(frame->handle, &what, arena);
        return;
    case SPW_CREATE:
        if ((status = spw_decode(frame, &what, sizeof what, arena)) != SPW_OK) break;
        create(frame->handle, &what, &answer, arena);
        output_add(SPW_CREATED, frame->handle, &answer, CREDIT_NONE);
        return;
    case SPW_CAN_EXECUTE:
        if ((status = spw_decode(frame, &question, sizeof question, arena)) != SPW_OK) break;
        answer.status = spw_session_can_execute(worker.session, &question);
        output_add(SPW_ANSWER, frame->handle, &answer, CREDIT_NONE);
        return;
    case SPW_CHECK:
        spw_session_check(worker.session, frame->handle, &answer, arena);
        output_add(SPW_CHECKED, frame->handle, &answer, CREDIT_NONE);
        return;
    case SPW_DESTROY:
        spw_session_destroy(worker.session, frame->handle, &answer, arena);
        output_add(SPW_DESTROYED, frame->handle, &answer, CREDIT_NONE);
        return;
    default: stop(); return;
    }
    _exit(status == SPW_E_MEMORY ? 67 : 68);
}

void jobs_do(job *job) {
    if (job->type == SPW_START) {
        if (atomic_load_explicit(&worker.serial, memory_order_relaxed)) capture_belongs_to(job->token);
        running = job->token;
        spw_session_run(worker.session, job->accepted);
        running = 0;
    } else {
        const spw_frame frame = { .type = job->type, .handle = job->token, .body = job->body };
        spw_arena arena = { 0 };
        ask(&frame, &arena);
        spw_arena_free(&arena);
        output_flush();
        if (job->type == SPW_CREATE) explicit_bzero((void *)(uintptr_t)job->body.ptr, job->body.len);
    }
    free(job);
}
