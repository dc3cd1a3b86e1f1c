#include "transfer.h"

#include <stdio.h>
#include <unistd.h>

#include "loop.h"
#include "thread.h"

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
    return loop_open_socket(a->instance->loop, where);
}

static bool set_form(struct attempt *a, CURL *easy) {
    a->mime = body_mime(&a->request.body, easy);
    return a->mime != NULL && curl_easy_setopt(easy, CURLOPT_MIMEPOST, a->mime) == CURLE_OK;
}

static bool set_method(struct attempt *a, CURL *easy) {
    const struct body *body = &a->request.body;
    bool carries = a->method == METHOD_POST || a->method == METHOD_PUT || a->method == METHOD_PATCH ||
                   (a->method == METHOD_DELETE && body->kind != BODY_NONE);
    if (a->method == METHOD_HEAD) return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (a->method == METHOD_GET) return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    if (carries && !a->bodiless && body->kind == BODY_MULTIPART) {
        if (!set_form(a, easy)) return false;
    } else if (carries && !a->bodiless) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        /* Not copied: the request is kept until release. */
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->bytes.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->bytes.len > 0 ? body->bytes.ptr : "");
    }
    if (a->method != METHOD_POST) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method_name(a->method));
    return true;
}

/* Shown to its own host only, and never after a redirect to it from elsewhere. */
static void set_certificate(struct attempt *a, CURL *easy) {
    const struct host_config *host = a->foreign ? NULL : config_host(&a->instance->config, &a->url);
    struct curl_blob key;
    if (host == NULL || host->certificate[0] == '\0') return;
    curl_easy_setopt(easy, CURLOPT_SSLCERT, host->certificate);
    if (host->key[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_SSLKEY, host->key);
        return;
    }
    key.data = host->key_text.data;
    key.len = host->key_text.length;
    key.flags = CURL_BLOB_NOCOPY; /* the configuration outlives every transfer */
    curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
}

/* The configured credentials stand in front of the job's own headers. */
static struct curl_slist *all_headers(struct attempt *a) {
    const struct http_request *request = &a->request;
    struct curl_slist *headers = a->foreign    ? a->bodiless ? request->foreign_bodiless_headers : request->foreign_headers
                                 : a->bodiless ? request->bodiless_headers
                                               : request->headers;
    if (a->authorization.length == 0) return headers;
    a->authorization_node.data = a->authorization.data;
    a->authorization_node.next = headers;
    return &a->authorization_node;
}

/* For the attempt, or for what is left of the time to wait for the work. */
static void set_time(struct attempt *a, CURL *easy) {
    int64_t now = clock_mono_ns(), left = attempt_left_ms(a, now);
    if (a->poll.active) {
        int64_t polling = (a->poll.deadline_ns - now + 999999) / 1000000;
        if (polling < 0) polling = 0;
        if (left < 0 || polling < left) left = polling;
    }
    if (left >= 0) curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left == 0 ? 1L : left > INT32_MAX ? (long)INT32_MAX : (long)left);
}

bool transfer_prepare(struct attempt *a, CURL *easy, const struct address *addresses, size_t count) {
    const struct http_request *request = &a->request;
    curl_slist_free_all(a->connect_to);
    curl_slist_free_all(a->resolve);
    a->connect_to = a->resolve = NULL;
    if (!transfer_route(easy, &a->instance->config, &a->url, addresses, count, &a->connect_to, &a->resolve) ||
        !set_method(a, easy)) {
        return false;
    }
    curl_easy_setopt(easy, CURLOPT_PRIVATE, a);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, a->curl_error);
    if (!request->own_accept_encoding) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, route_codings());
    loop_prepare_sockets(a->instance->loop, easy);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, a);
    set_certificate(a, easy);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, all_headers(a));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms);
    set_time(a, easy);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, a);
    return true;
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
