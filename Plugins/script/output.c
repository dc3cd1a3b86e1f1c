/* What a program writes: lines for the log, bytes for the result. */
#include "run.h"

#include "supervisor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void log_line(struct run *run, struct stream *stream, const char *text, size_t len) {
    const spindle_request *request = run->request;
    spindle_kv kv = { SPINDLE_STR_INIT("stream"), spindle_str_from_cstr(stream->name) };
    if (!SPINDLE_OFFERS(request->host, log)) return;
    if (request->host->log(request->ctx, request->handle, stream->level, spindle_str_make(text, len), &kv, 1) ==
        SPINDLE_AGAIN) {
        stream->lost_lines++;
    }
}

/* Where to cut a line that is too long: not within a character. */
static size_t cut(const char *text, size_t len) {
    size_t back;
    for (back = 1; back <= 3 && back < len; back++) {
        unsigned char c = (unsigned char)text[len - back];
        if ((c & 0xC0) == 0x80) continue;
        return c >= 0xC0 && back < (c >= 0xF0 ? 4u : c >= 0xE0 ? 3u : 2u) ? len - back : len;
    }
    return len;
}

static void line_flush(struct run *run, struct stream *stream, size_t len) {
    if (stream->line == NULL) return;
    log_line(run, stream, stream->line, len);
    memmove(stream->line, stream->line + len, stream->line_len - len);
    stream->line_len -= len;
}

static void line_add(struct run *run, struct stream *stream, const char *data, size_t len) {
    if (stream->line == NULL) stream->line = malloc(STREAM_LINE_BYTES);
    if (stream->line == NULL) {
        log_line(run, stream, data, len); /* better in pieces than not at all */
        return;
    }
    while (len > 0) {
        size_t room = STREAM_LINE_BYTES - stream->line_len;
        size_t part = len < room ? len : room;
        if (room == 0) {
            line_flush(run, stream, cut(stream->line, stream->line_len));
            continue;
        }
        memcpy(stream->line + stream->line_len, data, part);
        stream->line_len += part;
        data += part;
        len -= part;
    }
}

/* LF, CR and CRLF end a line: a progress bar that draws over itself gives one line for each state, and nothing is hidden. */
static void take_lines(struct run *run, struct stream *stream, const char *data, size_t len) {
    const char *end = data + len;
    while (data < end) {
        const char *at = data;
        if (stream->after_return) {
            stream->after_return = false;
            if (*data == '\n') {
                data++;
                continue;
            }
        }
        while (at < end && *at != '\n' && *at != '\r') at++;
        if (at == end) {
            line_add(run, stream, data, (size_t)(at - data));
            return;
        }
        if (stream->line_len == 0 && (size_t)(at - data) <= STREAM_LINE_BYTES) {
            log_line(run, stream, data, (size_t)(at - data)); /* without a copy: the usual case */
        } else {
            line_add(run, stream, data, (size_t)(at - data));
            line_flush(run, stream, stream->line_len);
        }
        stream->after_return = *at == '\r';
        data = at + 1;
    }
}

static void keep(struct run *run, const char *data, size_t len) {
    size_t room = run->plan.max_output - run->kept_len;
    if (len > room) len = room;
    if (len == 0 || run->kept_failed) return;
    if (run->kept_len + len > run->kept_size) {
        size_t size = run->kept_size < 4096 ? 4096 : run->kept_size * 2;
        char *larger;
        if (size < run->kept_len + len) size = run->kept_len + len;
        if (size > run->plan.max_output) size = run->plan.max_output;
        larger = realloc(run->kept, size);
        if (larger == NULL) {
            run->kept_failed = true; /* shown as truncated: a result that is short beats a worker that is gone */
            return;
        }
        run->kept = larger;
        run->kept_size = size;
    }
    memcpy(run->kept + run->kept_len, data, len);
    run->kept_len += len;
}

static void keep_tail(struct run *run, const char *data, size_t len) {
    size_t rest;
    if (len >= sizeof run->tail) {
        memcpy(run->tail, data + len - sizeof run->tail, sizeof run->tail);
        run->tail_len = sizeof run->tail;
        return;
    }
    rest = run->tail_len + len <= sizeof run->tail ? run->tail_len : sizeof run->tail - len;
    memmove(run->tail, run->tail + run->tail_len - rest, rest);
    memcpy(run->tail + rest, data, len);
    run->tail_len = rest + len;
}

bool stream_read(struct run *run, struct stream *stream) {
    static char buffer[65536]; /* one thread reads for all; as much as a pipe holds, so that none starves the others */
    ssize_t got;
    if (stream->fd < 0) return false;
    do {
        got = read(stream->fd, buffer, sizeof buffer);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) {
        stream_end(run, stream);
        return false;
    }
    stream->bytes += (uint64_t)got;
    if (stream == &run->output) {
        keep(run, buffer, (size_t)got);
    } else {
        keep_tail(run, buffer, (size_t)got);
    }
    take_lines(run, stream, buffer, (size_t)got);
    return true;
}

void stream_end(struct run *run, struct stream *stream) {
    if (stream->line_len > 0) line_flush(run, stream, stream->line_len);
    free(stream->line);
    stream->line = NULL;
    supervisor_close(&stream->fd);
}
