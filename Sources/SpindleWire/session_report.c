/* What a factory and its descriptors say, as messages. */
#include <string.h>

#include "session.h"

/* Longer texts (schemas) make no sense and would not fit a frame with the others. Those that are cut here stay longer than the host
 * takes, so that it says what is wrong with them. */
enum { MAX_TEXT = 256 * 1024 + 16 };

static spw_bytes text(const char *from, spw_arena *arena, uint64_t *replaced) {
    return from == NULL ? (spw_bytes){ NULL, 0 } : text_clean(text_of(from), MAX_TEXT, arena, replaced);
}

/* A copy: what describe puts lives only as long as its call. */
static spw_bytes copied(const char *from, spw_arena *arena, uint64_t *replaced) {
    spw_bytes clean = text(from, arena, replaced);
    char *copy = clean.len == 0 ? NULL : spw_arena_allocate(arena, clean.len);
    if (copy == NULL) return (spw_bytes){ NULL, 0 };
    memcpy(copy, clean.ptr, clean.len);
    return (spw_bytes){ copy, clean.len };
}

static spw_list list(const char *const *from, size_t count, spw_arena *arena, uint64_t *replaced) {
    spw_bytes *items = count == 0 ? NULL : spw_arena_allocate(arena, count * sizeof *items);
    if (items == NULL) return (spw_list){ NULL, 0 };
    for (size_t i = 0; i < count; i++) items[i] = copied(from[i], arena, replaced);
    return (spw_list){ items, count };
}

void spw_session_report_plugin(spw_session *session, spw_report_plugin *report, spw_arena *arena) {
    uint64_t replaced = 0;
    *report = (spw_report_plugin){
        .abi_minor = session->factory.abi_minor,
        .min_host_minor = session->factory.min_host_minor,
        .plugin_id = text(session->factory.plugin_id, arena, &replaced),
        .plugin_version = text(session->factory.plugin_version, arena, &replaced),
        .sdk = text(session->factory.sdk, arena, &replaced),
        .executor_count = session->factory.executor_count,
    };
    atomic_fetch_add(&session->text_replaced, replaced);
}

/* Lays what `from` says over the report. */
static void overlay(spw_report_executor *report, const spindle_executor_descriptor *from, spw_arena *arena,
                    uint64_t *replaced) {
    const struct {
        const char *text;
        spw_bytes *to;
    } texts[] = {
        { from->name, &report->name },
        { from->version, &report->version },
        { from->vendor, &report->vendor },
        { from->license, &report->license },
        { from->description, &report->description },
        { from->docs_url, &report->docs_url },
        { from->config_schema, &report->config_schema },
        { from->parameters_schema, &report->parameters_schema },
        { from->output_schema, &report->output_schema },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].text != NULL) *texts[i].to = copied(texts[i].text, arena, replaced);
    }
    if (from->target_prefixes != NULL && from->target_prefix_count > 0 && from->target_prefix_count <= 1024) {
        report->target_prefixes = list(from->target_prefixes, from->target_prefix_count, arena, replaced);
    }
    if (from->needs != NULL && from->need_count > 0 && from->need_count <= 1024) {
        report->needs = list(from->needs, from->need_count, arena, replaced);
    }
    if (from->concurrency_hint > 0) report->concurrency_hint = from->concurrency_hint;
    if (from->timeout_ms_hint > 0) report->timeout_ms_hint = from->timeout_ms_hint;
}

static void report_kind(spw_session *session, const spindle_executor_descriptor *kind, spw_report_executor *report,
                        spw_arena *arena) {
    uint64_t replaced = 0;
    memset(report, 0, sizeof *report);
    report->type = text(kind->type, arena, &replaced);
    report->version = text(session->factory.plugin_version, arena, &replaced);
    report->flags = kind->flags;
    report->is_trigger = kind_is_trigger(session, kind) ? 1 : 0;
    report->functions = (kind->describe != NULL ? SPW_HAS_DESCRIBE : 0u) | (kind->create != NULL ? SPW_HAS_CREATE : 0u)
                      | (kind->check != NULL ? SPW_HAS_CHECK : 0u)
                      | (kind->can_execute != NULL ? SPW_HAS_CAN_EXECUTE : 0u)
                      | (kind->cancel != NULL ? SPW_HAS_CANCEL : 0u) | (kind->release != NULL ? SPW_HAS_RELEASE : 0u)
                      | (kind->destroy != NULL ? SPW_HAS_DESTROY : 0u)
                      | (kind->writable != NULL ? SPW_HAS_WRITABLE : 0u);
    overlay(report, kind, arena, &replaced);
    atomic_fetch_add(&session->text_replaced, replaced);
}

int32_t spw_session_report_executor(spw_session *session, uint32_t index, spw_report_executor *report,
                                    spw_arena *arena) {
    if (index >= session->kind_count) return SPINDLE_E_NOT_FOUND;
    report_kind(session, &session->kinds[index], report, arena);
    return SPINDLE_OK;
}

typedef struct description {
    spw_session *session;
    spw_report_executor *report;
    const spindle_executor_descriptor *kind;
    spw_arena *arena;
} description;

static spindle_status put(void *sink, const spindle_executor_descriptor *descriptor) {
    description *into = sink;
    spindle_executor_descriptor cut;
    uint64_t replaced = 0;
    if (descriptor == NULL || descriptor->struct_size < sizeof descriptor->struct_size) return SPINDLE_E_INVALID;
    memset(&cut, 0, sizeof cut);
    memcpy(&cut, descriptor, descriptor->struct_size < sizeof cut ? descriptor->struct_size : sizeof cut);
    report_kind(into->session, into->kind, into->report, into->arena); /* the last call counts, not the sum */
    overlay(into->report, &cut, into->arena, &replaced);
    atomic_fetch_add(&into->session->text_replaced, replaced);
    return SPINDLE_OK;
}

int32_t spw_session_describe(spw_session *session, const spw_create *what, spw_report_executor *report,
                             spw_answer *answer, spw_arena *arena) {
    const spindle_executor_descriptor *kind = kind_by_type(session, what->uses, 0);
    memset(answer, 0, sizeof *answer);
    if (kind == NULL) {
        error_answer(NULL, SPINDLE_E_NOT_FOUND, "spindle.describe", "the plugin has no executor of that type", answer,
                     arena);
        return SPINDLE_E_NOT_FOUND;
    }
    report_kind(session, kind, report, arena);
    if (kind->describe == NULL) return SPINDLE_OK;
    description into = { session, report, kind, arena };
    const spindle_describe_sink sink = { .struct_size = sizeof sink, .sink = &into, .put = put };
    const spindle_instance_config config = {
        .struct_size = sizeof config,
        .host = &session->host,
        .ctx = &session->ctx,
        .type = to_str(what->type.len > 0 ? what->type : what->uses),
        .config = what->config.len > 0 ? to_str(what->config) : SPINDLE_STR("{}"),
    };
    pthread_mutex_lock(&session->create_lock);
    spindle_status status = kind->describe(&config, &sink);
    error_answer(&session->error, status, "spindle.describe", "describe failed without saying why", answer, arena);
    pthread_mutex_unlock(&session->create_lock);
    return status;
}
