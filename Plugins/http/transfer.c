#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "thread.h"

#define MOST_PINNED 4

/* The last gate: whatever happened before, no socket is made for an address that the policy refuses. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *where) {
    struct attempt *a = context;
    struct address address;
    uint16_t port = 0;
    (void)purpose;
    /* With a proxy the address is the proxy's, which the operator chose. */
    if (!a->instance->config.proxied && (!address_from_sockaddr(&address, &port, &where->addr) ||
                                         !address_allowed(&a->instance->config.policy, &address, port))) {
        a->stop = STOP_ADDRESS;
        return CURL_SOCKET_BAD;
    }
    return socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
}

static int compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct address));
}

static bool append(struct curl_slist **list, const struct buffer *line) {
    struct curl_slist *longer = line->failed ? NULL : curl_slist_append(*list, line->data);
    if (longer == NULL) return false;
    *list = longer;
    return true;
}

static void put_address(struct buffer *b, const struct address *address) {
    char text[ADDRESS_TEXT_BYTES];
    address_text(address, text);
    buffer_format(b, address->v6 ? "[%s]" : "%s", text);
}

/* The transfer goes to the addresses that were checked, without another look-up, while the URL's own name stays in
 * the Host header, in SNI and in the check of the certificate. One address is named directly. Several get a made-up
 * name that spells them out: libcurl then tries them by turns (RFC 8305) and reuses a connection only for the very
 * same set, so no answer of an earlier look-up is ever carried over. */
static bool pin(struct attempt *a, const struct address *addresses, size_t count) {
    struct address sorted[MOST_PINNED];
    struct buffer name, line;
    bool pinned;
    size_t i, j;
    buffer_init(&name, 512);
    buffer_init(&line, 1024);
    if (count > MOST_PINNED) count = MOST_PINNED;
    if (count == 1) {
        put_address(&name, &addresses[0]);
    } else {
        memcpy(sorted, addresses, count * sizeof *addresses);
        qsort(sorted, count, sizeof *sorted, compare);
        for (i = 0; i < count; i++) {
            for (j = 0; j < (sorted[i].v6 ? 16u : 4u); j++) buffer_format(&name, "%02x", sorted[i].bytes[j]);
            buffer_text(&name, ".");
        }
        buffer_text(&name, "invalid");
        buffer_format(&line, "+%s:%u:", name.data, a->url.port);
        for (i = 0; i < count; i++) {
            if (i > 0) buffer_text(&line, ",");
            put_address(&line, &addresses[i]);
        }
    }
    pinned = !name.failed && (count == 1 || append(&a->resolve, &line));
    line.length = 0;
    if (pinned) {
        buffer_format(&line, "::%s:%u", name.data, a->url.port);
        pinned = append(&a->connect_to, &line);
    }
    buffer_free(&name);
    buffer_free(&line);
    return pinned;
}

/* The proxy's name is resolved by us too: libcurl's own resolver thread would be joined when a transfer is cancelled. */
static bool pin_proxy(struct attempt *a, const struct address *addresses, size_t count) {
    const struct url *proxy = &a->instance->config.proxy;
    struct buffer line;
    bool pinned;
    size_t i;
    if (proxy->literal) return true;
    buffer_init(&line, 1024);
    buffer_format(&line, "+%s:%u:", proxy->host, proxy->port);
    for (i = 0; i < count && i < MOST_PINNED; i++) {
        if (i > 0) buffer_text(&line, ",");
        put_address(&line, &addresses[i]);
    }
    pinned = append(&a->resolve, &line);
    buffer_free(&line);
    return pinned;
}

static const char *codings(void) {
    return (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_BROTLI) != 0 ? "gzip, deflate, br"
                                                                                     : "gzip, deflate";
}

static void set_method(struct attempt *a, CURL *easy) {
    spindle_str body = a->request.body;
    bool carries = a->method == METHOD_POST || a->method == METHOD_PUT || a->method == METHOD_PATCH ||
                   (a->method == METHOD_DELETE && a->request.has_body);
    if (a->method == METHOD_HEAD) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (a->method == METHOD_GET) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    if (carries && !a->bodiless) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        /* Not copied: the host keeps the request until release. */
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(a->request.has_body ? body.len : 0));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, a->request.has_body && body.len > 0 ? body.ptr : "");
    }
    if (a->method != METHOD_POST) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method_name(a->method));
}

static void set_trust(const struct config *config, CURL *easy) {
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (config->ca_file[0] == '\0') return;
    /* The file takes the place of the system's bundle, so the system's directory has to stand for it. */
    curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, version->capath != NULL ? version->capath : "/etc/ssl/certs");
}

static void set_route(struct attempt *a, CURL *easy) {
    const struct config *config = &a->instance->config;
    /* An empty text, not NULL: NULL would let http_proxy and the like from the environment in. */
    curl_easy_setopt(easy, CURLOPT_PROXY, config->proxied ? config->proxy.text : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, a);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, a->connect_to);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, a->resolve);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 600L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
}

bool transfer_prepare(struct attempt *a, CURL *easy, const struct address *addresses, size_t count) {
    const struct http_request *request = &a->request;
    int64_t left = attempt_left_ms(a, clock_mono_ns());
    struct curl_slist *headers = a->foreign    ? a->bodiless ? request->foreign_bodiless_headers : request->foreign_headers
                                 : a->bodiless ? request->bodiless_headers
                                               : request->headers;
    curl_slist_free_all(a->connect_to);
    curl_slist_free_all(a->resolve);
    a->connect_to = a->resolve = NULL;
    if (a->instance->config.proxied ? !pin_proxy(a, addresses, count) : !a->url.literal && !pin(a, addresses, count)) {
        return false;
    }
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, a);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, a->curl_error);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, a->url.https ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, a->instance->config.user_agent);
    if (!request->own_accept_encoding) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, codings());
    set_trust(&a->instance->config, easy);
    set_route(a, easy);
    set_method(a, easy);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms);
    if (left >= 0) curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left == 0 ? 1L : left > INT32_MAX ? (long)INT32_MAX : (long)left);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, a);
    return curl_easy_setopt(easy, CURLOPT_URL, a->url.text) == CURLE_OK;
}

static int64_t milliseconds(CURL *easy, CURLINFO info) {
    curl_off_t value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? (int64_t)value / 1000 : 0;
}

void transfer_collect(struct attempt *a) {
    struct timings *t = &a->timings;
    const char *ip = NULL;
    curl_off_t bytes = 0;
    t->connect_ms = milliseconds(a->easy, CURLINFO_CONNECT_TIME_T);
    t->tls_ms = milliseconds(a->easy, CURLINFO_APPCONNECT_TIME_T);
    t->first_byte_ms = milliseconds(a->easy, CURLINFO_STARTTRANSFER_TIME_T);
    curl_easy_getinfo(a->easy, CURLINFO_HTTP_VERSION, &t->http_version);
    curl_easy_getinfo(a->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
    t->wire_bytes = bytes;
    if (curl_easy_getinfo(a->easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip != NULL) {
        snprintf(t->remote_ip, sizeof t->remote_ip, "%s", ip);
    }
}
