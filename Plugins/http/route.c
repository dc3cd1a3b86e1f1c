/* The way of a transfer: addresses that were checked, the proxy, whom to trust. */
#include <stdio.h>
#include <stdlib.h>

#include "transfer.h"

#define MOST_PINNED 4

static const char *authorities = "/etc/ssl/certs", *codings = "gzip, deflate";

void route_init(void) {
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    if (version->capath != NULL) authorities = version->capath;
    if ((version->features & CURL_VERSION_BROTLI) != 0) codings = "gzip, deflate, br";
}

const char *route_codings(void) {
    return codings;
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
static bool pin(const struct url *url, const struct address *addresses, size_t count, struct curl_slist **connect_to,
                struct curl_slist **resolve) {
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
        buffer_format(&line, "+%s:%u:", name.data, url->port);
        for (i = 0; i < count; i++) {
            if (i > 0) buffer_text(&line, ",");
            put_address(&line, &addresses[i]);
        }
    }
    pinned = !name.failed && (count == 1 || append(resolve, &line));
    line.length = 0;
    if (pinned) {
        buffer_format(&line, "::%s:%u", name.data, url->port);
        pinned = append(connect_to, &line);
    }
    buffer_free(&name);
    buffer_free(&line);
    return pinned;
}

/* The proxy's name is resolved by us too: libcurl's own resolver thread would be joined when a transfer is cancelled. */
static bool pin_proxy(const struct url *proxy, const struct address *addresses, size_t count, struct curl_slist **resolve) {
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
    pinned = append(resolve, &line);
    buffer_free(&line);
    return pinned;
}

static void set_trust(const struct config *config, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (config->ca_file[0] == '\0') return;
    /* The file takes the place of the system's bundle, so the system's directory has to stand for it. */
    curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, authorities);
}

bool transfer_route(CURL *easy, const struct config *config, const struct url *url, const struct address *addresses,
                    size_t count, struct curl_slist **connect_to, struct curl_slist **resolve) {
    if (config->proxied ? !pin_proxy(&config->proxy, addresses, count, resolve)
                        : !url->literal && !pin(url, addresses, count, connect_to, resolve)) {
        return false;
    }
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, url->https ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, config->user_agent);
    set_trust(config, easy);
    /* An empty text, not NULL: NULL would let http_proxy and the like from the environment in. */
    curl_easy_setopt(easy, CURLOPT_PROXY, config->proxied ? config->proxy.text : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, *connect_to);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, *resolve);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 600L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    return curl_easy_setopt(easy, CURLOPT_URL, url->text) == CURLE_OK;
}
