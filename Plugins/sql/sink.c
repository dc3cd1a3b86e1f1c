#include "sink.h"

#include <stdio.h>

/* Each has an entry in the output, and at most an artefact. */
#define MOST_SETS 1000

/* The artefact takes all or nothing; without room the thread sleeps until there is some. */
static bool write_chunk(struct sink *sink, const char *bytes, size_t length, uint32_t flags) {
    struct run *run = sink->run;
    const spindle_request *request = run->request;
    spindle_status status;
    for (;;) {
        (void)pthread_mutex_lock(&run->pool->lock);
        run->writable = false;
        (void)pthread_mutex_unlock(&run->pool->lock);
        status = request->host->artefact_write(request->ctx, request->handle, spindle_str_from_cstr(sink->name),
                                               spindle_str_make(bytes, length), flags);
        if (status != SPINDLE_AGAIN) break;
        (void)pthread_mutex_lock(&run->pool->lock);
        while (!run->writable && run_reason(run) == 0) (void)pthread_cond_wait(&run->pool->changed, &run->pool->lock);
        (void)pthread_mutex_unlock(&run->pool->lock);
        if (run_reason(run) != 0) return false;
    }
    if (status == SPINDLE_OK) return true;
    (void)problem_set(&run->problem, "sql.artefact", NULL, "the host did not take the artefact \"%s\" (status %d); %s", sink->name, status,
                      run_aftermath(run));
    run->problem.outcome = SPINDLE_RETRYABLE;
    return false;
}

static bool flush(struct sink *sink, bool all) {
    size_t sent = 0;
    while (sink->chunk.length - sent >= SPINDLE_MAX_ARTEFACT_CHUNK_BYTES || (all && sink->chunk.length > sent)) {
        size_t step = sink->chunk.length - sent;
        if (step > SPINDLE_MAX_ARTEFACT_CHUNK_BYTES) step = SPINDLE_MAX_ARTEFACT_CHUNK_BYTES;
        sink->run->artefact_bytes += (int64_t)step;
        if (sink->run->artefact_bytes > sink->run->max_artefact_bytes) {
            return problem_set(&sink->run->problem, "sql.result.too_large", NULL, "the result of \"%s\" is longer than the %lld bytes of "
                                                                                 "maxArtefactBytes; %s",
                               sink->run->operation->name, (long long)sink->run->max_artefact_bytes, run_aftermath(sink->run));
        }
        if (!write_chunk(sink, sink->chunk.data + sent, step, 0)) return false;
        sent += step;
    }
    if (sent > 0) {
        memmove(sink->chunk.data, sink->chunk.data + sent, sink->chunk.length - sent);
        text_cut(&sink->chunk, sink->chunk.length - sent);
    }
    return true;
}

static void spill(struct sink *sink) {
    struct run *run = sink->run;
    if (!SPINDLE_OFFERS(run->request->host, artefact_write)) {
        sink->failed = true;
        (void)problem_set(&run->problem, "sql.result.too_large", NULL, "the result of \"%s\" is too long for the output, and this host "
                                                                      "keeps no artefacts; %s", run->operation->name, run_aftermath(run));
        return;
    }
    sink->spilled = true;
    run->spilled = true;
    text_add(&sink->chunk, run->results.data == NULL ? "" : run->results.data + sink->begin, run->results.length - sink->begin);
    text_cut(&run->results, sink->begin);
    if (!flush(sink, false)) sink->failed = true;
}

static void name_artefact(struct sink *sink, size_t number) {
    (void)snprintf(sink->name, sizeof sink->name, "result-%zu.%s", number, sink->run->format == FORMAT_CSV ? "csv" : "json");
}

/* The output can be CSV only while there is one set. When a second one comes, the first one moves to an artefact as well. */
static bool move_first(struct run *run) {
    struct sink first;
    memset(&first, 0, sizeof first);
    first.run = run;
    first.rows = run->rows;
    name_artefact(&first, 1);
    spill(&first);
    sink_close(&first);
    return !first.failed;
}

void sink_open(struct sink *sink, struct run *run) {
    bool csv = run->format == FORMAT_CSV;
    memset(sink, 0, sizeof *sink);
    sink->run = run;
    run->result_sets++;
    name_artefact(sink, run->result_sets);
    if (csv && run->result_sets == 2 && !run->spilled && !move_first(run)) {
        sink->failed = true;
        return;
    }
    if (run->result_sets > MOST_SETS) {
        sink->failed = true;
        (void)problem_set(&run->problem, "sql.result.too_large", NULL, "\"%s\" gives more than %d result sets; %s",
                          run->operation->name, MOST_SETS, run_aftermath(run));
        return;
    }
    if (run->results.length > 0) text_put(&run->results, ",");
    sink->begin = run->results.length;
    if (csv && (run->result_sets > 1 || run->plan.out_count > 0)) spill(sink);
}

void sink_add(struct sink *sink, const char *bytes, size_t length) {
    if (sink->failed || sink->run->format == FORMAT_NONE) return;
    if (!sink->spilled) {
        text_add(&sink->run->results, bytes, length);
        if (sink->run->results.length > INLINE_BYTES) spill(sink);
    } else {
        text_add(&sink->chunk, bytes, length);
        if (!flush(sink, false)) sink->failed = true;
    }
    if (!sink->failed && (sink->chunk.lost || sink->run->results.lost)) {
        sink->failed = true;
        (void)problem_memory(&sink->run->problem);
    }
}

void sink_row(struct sink *sink) {
    struct run *run = sink->run;
    sink->rows++;
    run->rows++;
    if (sink->rows > run->operation->max_rows) {
        sink->failed = true;
        (void)problem_set(&run->problem, "sql.result.too_large", NULL, "the result of \"%s\" has more than the %lld rows of maxRows; "
                                                                      "%s",
                          run->operation->name, (long long)run->operation->max_rows, run_aftermath(run));
    }
    if (!sink->failed && !sink->spilled && sink->rows > run->row_limit && run->format != FORMAT_NONE) spill(sink);
    if (run->rows % 10000 == 0 && SPINDLE_OFFERS(run->request->host, progress)) {
        (void)run->request->host->progress(run->request->ctx, run->request->handle, run->rows, -1, SPINDLE_STR("rows"));
    }
}

void sink_close(struct sink *sink) {
    struct run *run = sink->run;
    if (!sink->failed && sink->spilled) {
        if (!flush(sink, true) || !write_chunk(sink, NULL, 0, SPINDLE_ARTEFACT_LAST)) sink->failed = true;
        text_format(&run->artefacts, "%s%s", run->artefacts.length > 0 ? "," : "", sink->name);
        text_format(&run->results, "{\"artefact\":\"%s\",\"rows\":%lld}", sink->name, (long long)sink->rows);
    }
    text_free(&sink->chunk);
}
