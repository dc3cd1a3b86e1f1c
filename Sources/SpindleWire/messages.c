#include "messages.h"

#include <pthread.h>
#include <stdio.h>

#define U32(m, f) { FIELD_U32, offsetof(m, f) }
#define U64(m, f) { FIELD_U64, offsetof(m, f) }
#define I64(m, f) { FIELD_I64, offsetof(m, f) }
#define BYTES(m, f) { FIELD_BYTES, offsetof(m, f) }
#define KVS(m, f) { FIELD_KVS, offsetof(m, f) }
#define LIST(m, f) { FIELD_LIST, offsetof(m, f) }
#define FAULT(m)                                                                                                         \
    BYTES(m, fault.code), BYTES(m, fault.message), BYTES(m, fault.details), BYTES(m, fault.pointer),                     \
        BYTES(m, fault.stack_trace)

static const field kill_fields[] = { U32(spw_kill, signal) };
static const field spawned_fields[] = { U32(spw_spawned, pid) };
static const field exited_fields[] = {
    U32(spw_exited, pid), U32(spw_exited, is_runner), U32(spw_exited, wait_status),
    U64(spw_exited, user_us), U64(spw_exited, system_us), U64(spw_exited, max_rss_kib),
};
static const field setup_fields[] = {
    U32(spw_setup, layers), U32(spw_setup, allows), U32(spw_setup, net), U32(spw_setup, uid), U32(spw_setup, gid),
    U64(spw_setup, memory), U64(spw_setup, cpu_permille), U64(spw_setup, pids), U64(spw_setup, file_size),
    U64(spw_setup, cpu_seconds), U64(spw_setup, files), BYTES(spw_setup, hostname), LIST(spw_setup, libraries),
    LIST(spw_setup, reads), LIST(spw_setup, writes), LIST(spw_setup, relays), LIST(spw_setup, groups),
};
static const field hello_fields[] = {
    BYTES(spw_hello, build_id), BYTES(spw_hello, digest), U32(spw_hello, abi_minor), U32(spw_hello, threads),
    U32(spw_hello, log_level), U64(spw_hello, log_credit), U64(spw_hello, artefact_credit),
    BYTES(spw_hello, host_version), U32(spw_hello, audits),
};
static const field ready_fields[] = {
    BYTES(spw_ready, build_id), BYTES(spw_ready, digest), U32(spw_ready, abi_minor), U32(spw_ready, pid),
    BYTES(spw_ready, plugin_id), BYTES(spw_ready, plugin_version), U32(spw_ready, executor_count),
};
static const field failed_fields[] = { BYTES(spw_failed, code), BYTES(spw_failed, message) };
static const field report_plugin_fields[] = {
    U32(spw_report_plugin, abi_minor), U32(spw_report_plugin, min_host_minor), BYTES(spw_report_plugin, plugin_id),
    BYTES(spw_report_plugin, plugin_version), BYTES(spw_report_plugin, sdk), U32(spw_report_plugin, executor_count),
    LIST(spw_report_plugin, changes),
};
static const field audited_fields[] = { I64(spw_audited, status), LIST(spw_audited, changes) };
static const field report_executor_fields[] = {
    BYTES(spw_report_executor, type), U32(spw_report_executor, flags), U32(spw_report_executor, functions),
    U32(spw_report_executor, is_trigger),
    LIST(spw_report_executor, target_prefixes), BYTES(spw_report_executor, name), BYTES(spw_report_executor, version),
    BYTES(spw_report_executor, vendor), BYTES(spw_report_executor, license), BYTES(spw_report_executor, description),
    BYTES(spw_report_executor, docs_url), BYTES(spw_report_executor, config_schema),
    BYTES(spw_report_executor, parameters_schema), BYTES(spw_report_executor, output_schema),
    LIST(spw_report_executor, needs), I64(spw_report_executor, concurrency_hint),
    I64(spw_report_executor, timeout_ms_hint),
};
static const field create_fields[] = {
    BYTES(spw_create, uses), BYTES(spw_create, type), BYTES(spw_create, config), KVS(spw_create, secrets),
    LIST(spw_create, files), U32(spw_create, first_file), U32(spw_create, concurrency), U32(spw_create, is_trigger),
};
static const field answer_fields[] = { I64(spw_answer, status), U32(spw_answer, outcome), FAULT(spw_answer) };
static const field question_fields[] = {
    BYTES(spw_question, uses), BYTES(spw_question, type), BYTES(spw_question, target),
    KVS(spw_question, parameters), BYTES(spw_question, payload), BYTES(spw_question, content_type),
};
static const field start_fields[] = {
    U64(spw_start, instance), I64(spw_start, attempt), I64(spw_start, failures), I64(spw_start, max_failures),
    I64(spw_start, timeout_ms), I64(spw_start, deadline_mono_ns), I64(spw_start, started_unix_ms),
    BYTES(spw_start, execution_id), BYTES(spw_start, attempt_id), BYTES(spw_start, job_name), BYTES(spw_start, type),
    BYTES(spw_start, target), KVS(spw_start, parameters), BYTES(spw_start, payload), BYTES(spw_start, content_type),
    BYTES(spw_start, idempotency_key), BYTES(spw_start, traceparent), BYTES(spw_start, tracestate),
    BYTES(spw_start, checkpoint), KVS(spw_start, secrets),
};
static const field cancel_fields[] = { U32(spw_cancel, reason), I64(spw_cancel, grace_ms) };
static const field completed_fields[] = {
    U32(spw_completed, origin), I64(spw_completed, status), U32(spw_completed, outcome),
    BYTES(spw_completed, output), BYTES(spw_completed, content_type), FAULT(spw_completed),
    KVS(spw_completed, metadata), I64(spw_completed, retry_after_ms), U64(spw_completed, logs_dropped),
    U64(spw_completed, text_replaced),
};
static const field released_fields[] = { U64(spw_released, stale_calls) };
static const field log_fields[] = {
    U32(spw_log, level), U32(spw_log, stream), I64(spw_log, unix_us), BYTES(spw_log, message), KVS(spw_log, keys),
    U64(spw_log, dropped),
};
static const field progress_fields[] = {
    I64(spw_progress, done), I64(spw_progress, total), BYTES(spw_progress, note),
};
static const field blob_fields[] = { BYTES(spw_blob, bytes) };
static const field artefact_fields[] = {
    BYTES(spw_artefact, name), BYTES(spw_artefact, bytes), U32(spw_artefact, flags),
};
static const field credit_fields[] = { U64(spw_credit, log_bytes), U64(spw_credit, artefact_bytes) };
static const field submit_fields[] = {
    U64(spw_submit, number), BYTES(spw_submit, type), BYTES(spw_submit, target), BYTES(spw_submit, job_name),
    KVS(spw_submit, parameters), BYTES(spw_submit, payload), BYTES(spw_submit, content_type),
    BYTES(spw_submit, idempotency_key), BYTES(spw_submit, traceparent), BYTES(spw_submit, tracestate),
    I64(spw_submit, priority), I64(spw_submit, delay_ms), I64(spw_submit, start_by_unix_ms),
};
static const field submitted_fields[] = {
    U64(spw_submitted, number), I64(spw_submitted, status), U32(spw_submitted, existed),
    BYTES(spw_submitted, execution_id), BYTES(spw_submitted, code), BYTES(spw_submitted, message),
};
static const field level_fields[] = { U32(spw_level, level) };
static const field ping_fields[] = { U64(spw_ping, nonce) };
static const field pong_fields[] = {
    U64(spw_pong, nonce), U64(spw_pong, open), U64(spw_pong, stale_calls), U64(spw_pong, contract_breaches),
    U64(spw_pong, logs_dropped), U64(spw_pong, text_replaced),
};

#define BODY(type, message, fields) [type] = { type, sizeof(fields) / sizeof(fields[0]), sizeof(message), fields }
#define EMPTY(type) [type] = { type, 0, 0, NULL }

static const message_layout layouts[] = {
    BODY(SPW_KILL, spw_kill, kill_fields),
    BODY(SPW_SPAWNED, spw_spawned, spawned_fields),
    BODY(SPW_EXITED, spw_exited, exited_fields),
    BODY(SPW_SETUP, spw_setup, setup_fields),
    BODY(SPW_HELLO, spw_hello, hello_fields),
    BODY(SPW_READY, spw_ready, ready_fields),
    BODY(SPW_FAILED, spw_failed, failed_fields),
    EMPTY(SPW_DESCRIBE),
    BODY(SPW_REPORT_PLUGIN, spw_report_plugin, report_plugin_fields),
    BODY(SPW_REPORT_EXECUTOR, spw_report_executor, report_executor_fields),
    EMPTY(SPW_REPORT_END),
    BODY(SPW_DESCRIBE_INSTANCE, spw_create, create_fields),
    BODY(SPW_CREATE, spw_create, create_fields),
    BODY(SPW_CREATED, spw_answer, answer_fields),
    EMPTY(SPW_CHECK),
    BODY(SPW_CHECKED, spw_answer, answer_fields),
    EMPTY(SPW_DESTROY),
    BODY(SPW_DESTROYED, spw_answer, answer_fields),
    BODY(SPW_CAN_EXECUTE, spw_question, question_fields),
    BODY(SPW_ANSWER, spw_answer, answer_fields),
    BODY(SPW_START, spw_start, start_fields),
    BODY(SPW_CANCEL, spw_cancel, cancel_fields),
    BODY(SPW_COMPLETED, spw_completed, completed_fields),
    BODY(SPW_RELEASED, spw_released, released_fields),
    BODY(SPW_LOG, spw_log, log_fields),
    BODY(SPW_PROGRESS, spw_progress, progress_fields),
    EMPTY(SPW_HEARTBEAT),
    BODY(SPW_CHECKPOINT, spw_blob, blob_fields),
    BODY(SPW_ARTEFACT, spw_artefact, artefact_fields),
    BODY(SPW_CREDIT, spw_credit, credit_fields),
    BODY(SPW_PING, spw_ping, ping_fields),
    BODY(SPW_PONG, spw_pong, pong_fields),
    EMPTY(SPW_SHUTDOWN),
    BODY(SPW_SET_LOG_LEVEL, spw_level, level_fields),
    BODY(SPW_SUBMIT, spw_submit, submit_fields),
    BODY(SPW_SUBMITTED, spw_submitted, submitted_fields),
    EMPTY(SPW_AUDIT),
    BODY(SPW_AUDITED, spw_audited, audited_fields),
};

const message_layout *message_layout_of(uint16_t type) {
    if (type >= sizeof layouts / sizeof layouts[0] || layouts[type].type != type || type == 0) return NULL;
    return &layouts[type];
}

static char build_id[64];

static void mix(uint64_t *digest, uint64_t value) {
    *digest = (*digest ^ value) * UINT64_C(0x100000001b3); /* FNV-1a over words */
}

static void make_build_id(void) {
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        mix(&digest, layouts[i].type);
        mix(&digest, layouts[i].size);
        for (size_t k = 0; k < layouts[i].field_count; k++) {
            mix(&digest, layouts[i].fields[k].kind);
            mix(&digest, layouts[i].fields[k].offset);
        }
    }
    mix(&digest, sizeof(spw_page));
    snprintf(build_id, sizeof build_id, "spindle-wire/1-%016llx", (unsigned long long)digest);
}

const char *spw_build_id(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_build_id);
    return build_id;
}
