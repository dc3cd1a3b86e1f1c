/* What libcurl hands over: header lines and pieces of the body. All of it is under the server's control. */
#include "artefact.h"
#include "thread.h"
#include "transfer.h"

#define DISCARD_MOST 65536          /* of a redirect's body, to keep the connection */
#define INFLATION_FREE_BYTES 65536  /* small bodies may inflate as they like */
#define INFLATION_RATIO 100

static size_t stop(struct attempt *a, enum stop why) {
    a->stop = why;
    return 0; /* fewer bytes than given: libcurl ends the transfer */
}

static bool store_header(struct response *r, const char *line, size_t length) {
    const char *colon = memchr(line, ':', length);
    struct response_header *header;
    size_t from, to, i;
    if (colon == NULL || colon == line) return true;
    if (r->header_count == RESPONSE_MOST_HEADERS) return false;
    header = &r->headers[r->header_count];
    header->name = r->header_text.length;
    header->name_length = (size_t)(colon - line);
    for (from = header->name_length + 1; from < length && (line[from] == ' ' || line[from] == '\t'); from++) {
    }
    for (to = length; to > from && (line[to - 1] == ' ' || line[to - 1] == '\t'); to--) {
    }
    header->value = header->name + header->name_length;
    header->value_length = to - from;
    if (!buffer_append(&r->header_text, line, header->name_length) ||
        !buffer_append(&r->header_text, line + from, to - from)) {
        return false;
    }
    for (i = 0; i < header->name_length; i++) {
        r->header_text.data[header->name + i] = ascii_lower(r->header_text.data[header->name + i]);
    }
    r->header_count++;
    return true;
}

static bool redirects(long status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static size_t end_of_headers(struct attempt *a, size_t taken) {
    struct response *r = &a->response;
    spindle_str value;
    r->redirecting = a->request.follow && redirects(r->status) && !status_set_has(&a->request.wanted, r->status) &&
                     response_header(r, "location", &value);
    /* libcurl would decode zstd although we never ask for it, with a window of up to 128 MiB. */
    if (!a->request.own_accept_encoding && response_header(r, "content-encoding", &value)) {
        size_t i;
        for (i = 0; i < value.len; i++) {
            if (text_starts_nocase(value.ptr + i, value.len - i, "zstd")) return stop(a, STOP_CODING);
        }
    }
    return taken;
}

static size_t header_line(struct attempt *a, const char *line, size_t length) {
    struct response *r = &a->response;
    size_t whole = length;
    int64_t status;
    r->header_bytes += length;
    if (r->header_bytes > RESPONSE_MOST_HEADER_BYTES) return stop(a, STOP_HEADERS);
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) length--;
    if (length == 0) return r->status >= 200 ? end_of_headers(a, whole) : whole;
    if (text_starts_nocase(line, length, "HTTP/") && memchr(line, ' ', length) != NULL) {
        /* A new response: the one before was interim. */
        const char *code = (const char *)memchr(line, ' ', length) + 1;
        r->header_count = 0;
        r->header_text.length = 0;
        r->status = line + length - code >= 3 && parse_decimal(code, 3, 999, &status) ? (long)status : 0;
        return whole;
    }
    return store_header(r, line, length) ? whole : stop(a, STOP_HEADERS);
}

size_t receive_header(char *bytes, size_t size, size_t count, void *context) {
    struct attempt *a = context;
    spindle_handle before = SPINDLE_OFFERS(a->host, enter) ? a->host->enter(a->ctx, a->handle) : 0;
    size_t taken = header_line(a, bytes, size * count);
    if (SPINDLE_OFFERS(a->host, enter)) a->host->enter(a->ctx, before);
    return taken;
}

static bool inflates(struct attempt *a, size_t more) {
    curl_off_t wire = 0;
    if (a->response.received + (int64_t)more <= INFLATION_FREE_BYTES || a->request.own_accept_encoding) return false;
    if (curl_easy_getinfo(a->easy, CURLINFO_SIZE_DOWNLOAD_T, &wire) != CURLE_OK) return false;
    return (a->response.received + (int64_t)more) / INFLATION_RATIO > wire;
}

static size_t body_piece(struct attempt *a, const char *bytes, size_t length) {
    struct response *r = &a->response;
    size_t room = (size_t)a->request.max_response_bytes - r->body.length;
    if (r->redirecting) {
        r->received += (int64_t)length;
        return r->received > DISCARD_MOST ? stop(a, STOP_REDIRECT) : length;
    }
    if (inflates(a, length)) return stop(a, STOP_INFLATION);
    attempt_heartbeat(a);
    if (length > room || a->artefact.on) {
        enum artefact_step step = ARTEFACT_REFUSED;
        if (artefact_offered(a) && status_set_has(&a->request.expected, r->status)) {
            if (r->received + (int64_t)length > a->instance->config.max_artefact_bytes) return stop(a, STOP_TOO_LARGE);
            step = artefact_put(a, bytes, length);
        }
        if (step == ARTEFACT_NO_ROOM) {
            a->paused = true; /* libcurl gives the same bytes again */
            return CURL_WRITEFUNC_PAUSE;
        }
        r->truncated = true;
        if (step == ARTEFACT_REFUSED) a->artefact.on = false;
        if (!buffer_append(&r->body, bytes, length < room ? length : room)) return stop(a, STOP_MEMORY);
        r->received += (int64_t)length;
        return step == ARTEFACT_REFUSED ? stop(a, STOP_TRUNCATED) : length;
    }
    r->received += (int64_t)length;
    return buffer_append(&r->body, bytes, length) ? length : stop(a, STOP_MEMORY);
}

size_t receive_body(char *bytes, size_t size, size_t count, void *context) {
    struct attempt *a = context;
    spindle_handle before = SPINDLE_OFFERS(a->host, enter) ? a->host->enter(a->ctx, a->handle) : 0;
    size_t taken = body_piece(a, bytes, size * count);
    if (SPINDLE_OFFERS(a->host, enter)) a->host->enter(a->ctx, before);
    return taken;
}
