#include "url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static bool refuse(const char **error, const char *why) {
    *error = why;
    return false;
}

/* libcurl's parser forgives a lot (control characters, backslashes, missing and extra slashes, numbers as hosts).
 * Every such form has been used to show one host to a check and another to the connection, so the raw text is held to
 * a narrow grammar first. */
static bool check_text(const char *text, size_t length, const char **error) {
    size_t i;
    if (length == 0) return refuse(error, "the URL is empty");
    if (length > URL_MOST_BYTES) return refuse(error, "the URL is longer than 8192 bytes");
    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= 0x20 || c == 0x7F) return refuse(error, "the URL holds a blank or a control character");
        if (c == '\\') return refuse(error, "the URL holds a backslash");
    }
    return true;
}

static bool check_name(const char *host, size_t length, const char **error) {
    size_t label = 0, i;
    if (length == 0 || length > 253) return refuse(error, "the host of the URL is empty or too long");
    for (i = 0; i < length; i++) {
        char c = ascii_lower(host[i]);
        if (c == '.') {
            if (label == 0) return refuse(error, "the host of the URL has an empty label");
            label = 0;
            continue;
        }
        /* No '%' and nothing over ASCII: decoding and IDNA both can turn harmless bytes into digits and dots. */
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) {
            return refuse(error, "the host of the URL holds a character that is not allowed; write IDNs as xn--");
        }
        if (++label > 63) return refuse(error, "the host of the URL has a label over 63 characters");
    }
    if (address_numeric_name(host, length)) return refuse(error, "the host of the URL is a number, but not a dotted quad");
    return true;
}

static bool check_authority(struct url *url, const char *text, size_t length, const char **error) {
    const char *end = text + length, *colon;
    size_t host_length, i;
    int64_t port = url->https ? 443 : 80;
    if (memchr(text, '@', length) != NULL) return refuse(error, "the URL holds a user name; use a header instead");
    if (length > 0 && text[0] == '[') {
        const char *close = memchr(text, ']', length);
        if (close == NULL || !address_parse(&url->address, text + 1, (size_t)(close - text - 1)) ||
            memchr(text, ':', (size_t)(close - text)) == NULL) {
            return refuse(error, "the host of the URL is not an IPv6 address");
        }
        url->literal = true;
        text++;
        host_length = (size_t)(close - text);
        colon = close + 1;
        if (colon < end && *colon != ':') return refuse(error, "the URL has something between host and port");
    } else {
        colon = memchr(text, ':', length);
        if (colon == NULL) colon = end;
        host_length = (size_t)(colon - text);
        url->literal = address_parse(&url->address, text, host_length);
        if (!url->literal && !check_name(text, host_length, error)) return false;
    }
    if (colon < end && (!parse_decimal(colon + 1, (size_t)(end - colon - 1), 65535, &port) || port == 0)) {
        return refuse(error, "the port of the URL is not a number from 1 to 65535");
    }
    url->port = (uint16_t)port;
    if (host_length > URL_MOST_HOST) return refuse(error, "the host of the URL is too long");
    for (i = 0; i < host_length; i++) url->host[i] = ascii_lower(text[i]);
    url->host[host_length] = '\0';
    return true;
}

/* What libcurl will connect to has to be what was checked. */
static bool agrees(CURLU *handle, const struct url *url) {
    struct address address;
    char *host = NULL, *port = NULL, *scheme = NULL;
    bool same = false;
    if (curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
        size_t length = strlen(host);
        bool brackets = length > 2 && host[0] == '[';
        bool same_host;
        if (url->literal) {
            same_host = address_parse(&address, host + brackets, length - 2 * brackets) &&
                        memcmp(&address, &url->address, sizeof address) == 0;
        } else {
            same_host = text_equal_nocase(host, length, url->host);
        }
        same = same_host && atoi(port) == url->port && (strcmp(scheme, "https") == 0) == url->https;
    }
    curl_free(host);
    curl_free(port);
    curl_free(scheme);
    return same;
}

static bool normalise(struct url *url, const char *text, size_t length, const char **error) {
    char *copy = strndup(text, length), *clean = NULL;
    CURLU *handle = curl_url();
    bool done = false;
    if (copy == NULL || handle == NULL) {
        *error = "out of memory";
    } else if (curl_url_set(handle, CURLUPART_URL, copy, CURLU_DISALLOW_USER | CURLU_URLENCODE) != CURLUE_OK ||
               curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK || !agrees(handle, url) ||
               curl_url_get(handle, CURLUPART_URL, &clean, 0) != CURLUE_OK) {
        *error = "the URL is malformed";
    } else if (strlen(clean) > URL_MOST_BYTES) {
        *error = "the URL is longer than 8192 bytes";
    } else {
        url->text = strdup(clean);
        done = url->text != NULL;
        if (!done) *error = "out of memory";
    }
    curl_free(clean);
    if (handle != NULL) curl_url_cleanup(handle);
    free(copy);
    return done;
}

bool url_parse(struct url *url, const char *text, size_t length, const char **error) {
    size_t start, end;
    memset(url, 0, sizeof *url);
    if (!check_text(text, length, error)) return false;
    url->https = text_starts_nocase(text, length, "https://");
    if (!url->https && !text_starts_nocase(text, length, "http://")) {
        return refuse(error, "the URL does not start with http:// or https://");
    }
    start = url->https ? 8 : 7;
    for (end = start; end < length && text[end] != '/' && text[end] != '?' && text[end] != '#'; end++) {
    }
    return check_authority(url, text + start, end - start, error) && normalise(url, text, length, error);
}

static bool has_scheme(const char *text, size_t length) {
    size_t i;
    for (i = 0; i < length; i++) {
        char c = ascii_lower(text[i]);
        if (c == ':') return i > 0;
        if (!((c >= 'a' && c <= 'z') || (i > 0 && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))) break;
    }
    return false;
}

bool url_follow(struct url *url, const struct url *base, const char *location, size_t length, const char **error) {
    char *copy, *joined = NULL;
    CURLU *handle;
    bool done = false;
    memset(url, 0, sizeof *url);
    if (!check_text(location, length, error)) return false;
    /* libcurl 7.88 takes the last segment off for a fragment alone. */
    if (location[0] == '#') return url_parse(url, base->text, strlen(base->text), error);
    /* Absolute ones go through the strict parser as they were written, not as libcurl would rewrite them. */
    if (has_scheme(location, length)) return url_parse(url, location, length, error);
    if (length >= 2 && location[0] == '/' && location[1] == '/') {
        struct buffer whole;
        buffer_init(&whole, URL_MOST_BYTES);
        buffer_text(&whole, base->https ? "https:" : "http:");
        if (buffer_append(&whole, location, length)) done = url_parse(url, whole.data, whole.length, error);
        else *error = "the URL is longer than 8192 bytes";
        buffer_free(&whole);
        return done;
    }
    copy = strndup(location, length);
    handle = curl_url();
    if (copy == NULL || handle == NULL) {
        *error = "out of memory";
    } else if (curl_url_set(handle, CURLUPART_URL, base->text, 0) != CURLUE_OK ||
               curl_url_set(handle, CURLUPART_URL, copy, CURLU_URLENCODE) != CURLUE_OK ||
               curl_url_get(handle, CURLUPART_URL, &joined, 0) != CURLUE_OK) {
        *error = "the Location is malformed";
    } else {
        done = url_parse(url, joined, strlen(joined), error);
    }
    curl_free(joined);
    if (handle != NULL) curl_url_cleanup(handle);
    free(copy);
    return done;
}

bool url_same_origin(const struct url *a, const struct url *b) {
    return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool url_copy(struct url *copy, const struct url *url) {
    *copy = *url;
    copy->text = strdup(url->text);
    return copy->text != NULL;
}

void url_free(struct url *url) {
    free(url->text);
    url->text = NULL;
}
