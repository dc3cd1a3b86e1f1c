/* The part of the configuration that belongs to single servers: limits, credentials, certificates. */
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "encoding.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define MOST_SECRET_BYTES 131072

struct reading {
    const spindle_instance_config *source;
    struct config_fault *fault;
    char place[64]; /* pointer to the host */
};

static bool wrong(struct reading *r, const char *key, const char *message) {
    char pointer[96];
    snprintf(pointer, sizeof pointer, "%s%s", r->place, key);
    return config_wrong(r->fault, pointer, message);
}

/* Only known keys, all of them texts. */
static bool check_texts(struct reading *r, const char *section, json_t *node, const char *const *keys, size_t count) {
    char pointer[96];
    const char *key;
    json_t *member;
    size_t i;
    if (!json_is_object(node)) return wrong(r, section, "this has to be an object");
    snprintf(pointer, sizeof pointer, "%s%s", r->place, section);
    json_object_foreach(node, key, member) {
        for (i = 0; i < count && strcmp(key, keys[i]) != 0; i++) {
        }
        if (i == count) return config_unknown(r->fault, pointer, key, keys, count);
        if (!json_is_string(member)) return wrong(r, section, "every value of it has to be a text");
    }
    return true;
}

static bool printable(const char *text, size_t length) {
    size_t i;
    for (i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) return false;
    }
    return length > 0;
}

/* The value of "secret://NAME". A password that stands in the configuration itself is refused: it would be in files and listings. */
static bool secret(struct reading *r, const char *key, const json_t *node, struct buffer *value) {
    const spindle_host *host = r->source->host;
    spindle_str text = spindle_str_from_cstr(json_string_value(node)), name, found = {NULL, 0};
    size_t before;
    if (!spindle_secret_name(text, &name, &before) || before != 0) {
        return wrong(r, key, "this has to be secret://NAME, never the secret itself");
    }
    if (!SPINDLE_OFFERS(host, secret_get) ||
        host->secret_get(r->source->ctx, r->source->handle, name, &found) != SPINDLE_OK) {
        return wrong(r, key, "the secret is not granted; list its name under secrets in the sidecar");
    }
    /* Secrets are often read from files that end with a line feed. */
    while (found.len > 0 && (found.ptr[found.len - 1] == '\n' || found.ptr[found.len - 1] == '\r')) found.len--;
    buffer_init(value, MOST_SECRET_BYTES);
    return buffer_append(value, found.ptr, found.len) || wrong(r, key, "the secret is too long");
}

static bool header_secret(struct reading *r, const char *key, const json_t *node, struct buffer *value) {
    return secret(r, key, node, value) &&
           (printable(value->data, value->length) || wrong(r, key, "the secret is empty or holds control characters"));
}

static bool one_kind(struct reading *r, struct host_config *host, const char *key, enum auth_kind kind) {
    if (host->auth != AUTH_NONE) return wrong(r, key, "a host has one of bearer, basic and oauth2");
    host->auth = kind;
    return true;
}

static bool read_bearer(struct reading *r, struct host_config *host, const json_t *node) {
    struct buffer value = {0};
    bool read = one_kind(r, host, "/bearer", AUTH_FIXED) && header_secret(r, "/bearer", node, &value);
    buffer_text(&host->authorization, "Authorization: Bearer ");
    if (read) buffer_append(&host->authorization, value.data, value.length);
    buffer_wipe(&value);
    return read;
}

static void put_basic(struct buffer *line, const struct buffer *pair) {
    buffer_text(line, "Authorization: Basic ");
    encode_base64(line, pair->data, pair->length);
}

static bool read_basic(struct reading *r, struct host_config *host, json_t *node) {
    static const char *const keys[] = {"user", "password"};
    struct buffer password = {0}, pair;
    const char *user;
    bool read = check_texts(r, "/basic", node, keys, COUNT_OF(keys)) && one_kind(r, host, "/basic", AUTH_FIXED);
    user = read ? json_string_value(json_object_get(node, "user")) : NULL;
    if (read && (user == NULL || strchr(user, ':') != NULL || !printable(user, strlen(user)))) {
        read = wrong(r, "/basic/user", "the user's name may not be empty, and has no colon and no control characters");
    }
    read = read && header_secret(r, "/basic/password", json_object_get(node, "password"), &password);
    buffer_init(&pair, 2 * MOST_SECRET_BYTES);
    if (read) {
        buffer_format(&pair, "%s:", user);
        buffer_append(&pair, password.data, password.length);
        put_basic(&host->authorization, &pair);
    }
    buffer_wipe(&password);
    buffer_wipe(&pair);
    return read;
}

static void put_field(struct buffer *form, const char *name, const char *value, size_t length) {
    buffer_format(form, "%s%s=", form->length > 0 ? "&" : "", name);
    encode_form(form, value, length);
}

static bool make_token_request(struct reading *r, struct oauth2_config *oauth2, json_t *node) {
    const char *id = json_string_value(json_object_get(node, "clientId"));
    const char *how = json_string_value(json_object_get(node, "clientAuth"));
    const char *const extras[] = {"scope", "audience"};
    struct buffer value = {0}, pair;
    bool in_body = how != NULL && strcmp(how, "body") == 0;
    size_t i;
    if (how != NULL && !in_body && strcmp(how, "header") != 0) {
        return wrong(r, "/oauth2/clientAuth", "clientAuth has to be \"header\" or \"body\"");
    }
    if (id == NULL || !printable(id, strlen(id))) return wrong(r, "/oauth2/clientId", "clientId is missing");
    if (!header_secret(r, "/oauth2/clientSecret", json_object_get(node, "clientSecret"), &value)) {
        buffer_wipe(&value);
        return false;
    }
    put_field(&oauth2->request, "grant_type", "client_credentials", 18);
    for (i = 0; i < COUNT_OF(extras); i++) {
        const char *text = json_string_value(json_object_get(node, extras[i]));
        if (text != NULL && text[0] != '\0') put_field(&oauth2->request, extras[i], text, strlen(text));
    }
    if (in_body) {
        put_field(&oauth2->request, "client_id", id, strlen(id));
        put_field(&oauth2->request, "client_secret", value.data, value.length);
    } else {
        /* RFC 6749, 2.3.1: each of the two is encoded first, so that a colon in one cannot end it. */
        buffer_init(&pair, 4 * MOST_SECRET_BYTES);
        encode_form(&pair, id, strlen(id));
        buffer_text(&pair, ":");
        encode_form(&pair, value.data, value.length);
        put_basic(&oauth2->authorization, &pair);
        buffer_wipe(&pair);
    }
    buffer_wipe(&value);
    return (!oauth2->request.failed && !oauth2->authorization.failed) || wrong(r, "/oauth2", "this is too long");
}

static bool read_oauth2(struct reading *r, struct host_config *host, json_t *node) {
    static const char *const keys[] = {"tokenUrl", "clientId", "clientSecret", "scope", "audience", "clientAuth"};
    const char *text, *error = "tokenUrl is missing";
    if (!check_texts(r, "/oauth2", node, keys, COUNT_OF(keys)) || !one_kind(r, host, "/oauth2", AUTH_OAUTH2)) return false;
    text = json_string_value(json_object_get(node, "tokenUrl"));
    if (text == NULL || !url_parse(&host->oauth2.token_url, text, strlen(text), &error)) {
        return wrong(r, "/oauth2/tokenUrl", error);
    }
    return make_token_request(r, &host->oauth2, node);
}

static bool read_certificate(struct reading *r, struct host_config *host, json_t *node) {
    static const char *const keys[] = {"certificate", "key"};
    const json_t *key;
    char pointer[96];
    spindle_str name;
    size_t before;
    if (!check_texts(r, "/clientCertificate", node, keys, COUNT_OF(keys))) return false;
    if (!host->origin.https) return wrong(r, "/clientCertificate", "a certificate is shown in TLS only: the origin has to be https");
    key = json_object_get(node, "key");
    if (key == NULL || json_object_get(node, "certificate") == NULL) {
        return wrong(r, "/clientCertificate", "certificate and key are both needed");
    }
    snprintf(pointer, sizeof pointer, "%s/clientCertificate/certificate", r->place);
    if (!config_file(r->source, json_object_get(node, "certificate"), pointer, host->certificate, r->fault)) return false;
    if (spindle_secret_name(spindle_str_from_cstr(json_string_value(key)), &name, &before)) {
        return secret(r, "/clientCertificate/key", key, &host->key_text);
    }
    snprintf(pointer, sizeof pointer, "%s/clientCertificate/key", r->place);
    return config_file(r->source, key, pointer, host->key, r->fault);
}

static bool read_origin(struct reading *r, const struct config *config, struct host_config *host, const json_t *node) {
    const char *text = json_string_value(node), *error = "origin is missing", *path;
    size_t i;
    if (text == NULL || !url_parse(&host->origin, text, strlen(text), &error)) return wrong(r, "/origin", error);
    path = strchr(strstr(host->origin.text, "://") + 3, '/');
    if (strchr(text, '?') != NULL || strchr(text, '#') != NULL || (path != NULL && strcmp(path, "/") != 0)) {
        return wrong(r, "/origin", "an origin is scheme, host and port, without a path");
    }
    for (i = 0; &config->hosts[i] != host; i++) {
        if (url_same_origin(&config->hosts[i].origin, &host->origin)) return wrong(r, "/origin", "this origin stands there twice");
    }
    return true;
}

static bool read_host(struct reading *r, const struct config *config, struct host_config *host, json_t *node) {
    static const char *const keys[] = {"origin", "connections", "bearer", "basic", "oauth2", "clientCertificate"};
    char pointer[96];
    const char *key;
    json_t *member;
    bool read = true;
    buffer_init(&host->authorization, 4 * MOST_SECRET_BYTES);
    buffer_init(&host->oauth2.request, 4 * MOST_SECRET_BYTES);
    buffer_init(&host->oauth2.authorization, 8 * MOST_SECRET_BYTES);
    if (!json_is_object(node)) return wrong(r, "", "each of hosts has to be an object");
    if (!read_origin(r, config, host, json_object_get(node, "origin"))) return false;
    json_object_foreach(node, key, member) {
        if (strcmp(key, "connections") == 0) {
            snprintf(pointer, sizeof pointer, "%s/connections", r->place);
            read = config_integer(member, pointer, 0, 2048, &host->connections, r->fault);
        } else if (strcmp(key, "bearer") == 0) {
            read = read_bearer(r, host, member);
        } else if (strcmp(key, "basic") == 0) {
            read = read_basic(r, host, member);
        } else if (strcmp(key, "oauth2") == 0) {
            read = read_oauth2(r, host, member);
        } else if (strcmp(key, "clientCertificate") == 0) {
            read = read_certificate(r, host, member);
        } else if (strcmp(key, "origin") != 0) {
            read = config_unknown(r->fault, r->place, key, keys, COUNT_OF(keys));
        }
        if (!read) return false;
    }
    return !host->authorization.failed || wrong(r, "", "a secret of it is too long");
}

bool config_read_hosts(struct config *config, const json_t *node, const spindle_instance_config *source,
                       struct config_fault *fault) {
    size_t count = json_array_size(node), i;
    if (!json_is_array(node)) return config_wrong(fault, "/hosts", "hosts has to be a list");
    if (count > CONFIG_MOST_HOSTS) return config_wrong(fault, "/hosts", "hosts has more than 256 entries");
    config->hosts = calloc(count + 1, sizeof *config->hosts);
    if (config->hosts == NULL) return config_wrong(fault, "/hosts", "out of memory");
    for (i = 0; i < count; i++) {
        struct reading r = {.source = source, .fault = fault};
        snprintf(r.place, sizeof r.place, "/hosts/%zu", i);
        config->host_count++;
        if (!read_host(&r, config, &config->hosts[i], json_array_get(node, i))) return false;
    }
    return true;
}

void config_free_hosts(struct config *config) {
    size_t i;
    for (i = 0; i < config->host_count; i++) {
        struct host_config *host = &config->hosts[i];
        url_free(&host->origin);
        url_free(&host->oauth2.token_url);
        buffer_wipe(&host->authorization);
        buffer_wipe(&host->oauth2.request);
        buffer_wipe(&host->oauth2.authorization);
        buffer_wipe(&host->key_text);
    }
    free(config->hosts);
    config->hosts = NULL;
    config->host_count = 0;
}

struct host_config *config_host(const struct config *config, const struct url *url) {
    size_t i;
    for (i = 0; i < config->host_count; i++) {
        if (url_same_origin(&config->hosts[i].origin, url)) return &config->hosts[i];
    }
    return NULL;
}
