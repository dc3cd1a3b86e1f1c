#include <stdio.h>

#include "outcome.h"

#define MOST_HEADERS 96
#define MOST_NAME_BYTES 200
#define MOST_VALUE_BYTES 1024

static char *keep(struct metadata *m, const char *bytes, size_t length) {
    char *at = m->text + m->used;
    if (length > sizeof m->text - m->used) return NULL;
    if (length > 0) memcpy(at, bytes, length);
    m->used += length;
    return at;
}

static void add(struct metadata *m, const char *key, spindle_str value) {
    char *k = m->count < METADATA_MOST ? keep(m, key, strlen(key)) : NULL;
    char *v = k != NULL ? keep(m, value.ptr, value.len) : NULL;
    if (v == NULL) return;
    m->entries[m->count].key = spindle_str_make(k, strlen(key));
    m->entries[m->count].value = spindle_str_make(v, value.len);
    m->count++;
}

static void add_text(struct metadata *m, const char *key, const char *value) {
    add(m, key, spindle_str_from_cstr(value));
}

static void add_number(struct metadata *m, const char *key, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    add_text(m, key, text);
}

static const char *version(long curl_version) {
    switch (curl_version) {
    case CURL_HTTP_VERSION_1_0: return "1.0";
    case CURL_HTTP_VERSION_1_1: return "1.1";
    case CURL_HTTP_VERSION_2_0: return "2";
    case CURL_HTTP_VERSION_3: return "3";
    default: return "";
    }
}

static bool same_name(const struct response *r, const struct response_header *a, const struct response_header *b) {
    return a->name_length == b->name_length &&
           memcmp(r->header_text.data + a->name, r->header_text.data + b->name, a->name_length) == 0;
}

/* Keys are unique, so the values of a header that is there several times are joined, as RFC 9110, 5.3 allows. Of
 * Set-Cookie it does not, and its values are credentials: they stay out of the records. */
static void add_header(struct metadata *m, const struct response *r, size_t index) {
    const struct response_header *header = &r->headers[index];
    const char *name = r->header_text.data + header->name;
    char key[sizeof "header." + MOST_NAME_BYTES], value[MOST_VALUE_BYTES];
    size_t used = 0, i;
    if (header->name_length > MOST_NAME_BYTES || text_equal_nocase(name, header->name_length, "set-cookie")) return;
    for (i = 0; i < index; i++) {
        if (same_name(r, &r->headers[i], header)) return; /* joined to the first */
    }
    snprintf(key, sizeof key, "header.%.*s", (int)header->name_length, name);
    for (i = index; i < r->header_count; i++) {
        const struct response_header *same = &r->headers[i];
        size_t length = same->value_length;
        if (!same_name(r, same, header)) continue;
        if (i > index && sizeof value - used >= 2) {
            memcpy(value + used, ", ", 2);
            used += 2;
        }
        if (length > sizeof value - used) length = sizeof value - used;
        if (length > 0) memcpy(value + used, r->header_text.data + same->value, length);
        used += length;
    }
    add(m, key, spindle_str_make(value, used));
}

void metadata_fill(struct metadata *m, const struct attempt *a) {
    const struct response *r = &a->response;
    const struct timings *t = &a->timings;
    size_t i;
    m->count = m->used = 0;
    if (a->url.text != NULL) add_text(m, "url", a->url.text);
    add_number(m, "redirects", a->redirects);
    if (a->poll.active) add_number(m, "polls", a->poll.asked);
    if (t->remote_ip[0] != '\0') add_text(m, "remoteIp", t->remote_ip);
    add_number(m, "timing.dnsMs", t->dns_ms);
    add_number(m, "timing.connectMs", t->connect_ms);
    add_number(m, "timing.tlsMs", t->tls_ms);
    add_number(m, "timing.firstByteMs", t->first_byte_ms);
    add_number(m, "timing.totalMs", t->total_ms);
    if (r->status < 100) return;
    add_number(m, "status", r->status);
    add_text(m, "httpVersion", version(t->http_version));
    add_number(m, "bytes", r->received);
    add_number(m, "wireBytes", t->wire_bytes);
    add_text(m, "truncated", r->truncated ? "true" : "false");
    if (a->artefact.on) add_text(m, "artefact", "body");
    for (i = 0; i < r->header_count && i < MOST_HEADERS; i++) add_header(m, r, i);
}
