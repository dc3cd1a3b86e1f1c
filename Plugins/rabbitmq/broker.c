/* One connection of the configuration. The host has checked it against the schema; what a schema cannot say, and what a
 * host that checks less would let through, is checked here. */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "target.h"
#include "text.h"

struct reader {
    const json_t *object;
    const char *pointer;
    const spindle_instance_config *source;
    struct config_fault *fault;
};

static bool wrong(const struct reader *r, const char *key, const char *message) {
    char pointer[128];
    snprintf(pointer, sizeof pointer, "%s/%s", r->pointer, key);
    return config_wrong(r->fault, pointer, "%s: %s", key, message);
}

static bool read_text(const struct reader *r, const char *key, const char *otherwise, const char **value) {
    const json_t *node = json_object_get(r->object, key);
    *value = otherwise;
    if (node == NULL) return true;
    /* jansson refuses U+0000 in texts, so a C string is the whole of it. */
    if (!json_is_string(node) || json_string_length(node) == 0 || json_string_length(node) > SHORT_TEXT_MOST) {
        return wrong(r, key, "it has to be a text of 1 to 255 bytes");
    }
    *value = json_string_value(node);
    return true;
}

static bool read_number(const struct reader *r, const char *key, int least, int most, int otherwise, int *value) {
    const json_t *node = json_object_get(r->object, key);
    *value = otherwise;
    if (node == NULL) return true;
    if (!json_is_integer(node) || json_integer_value(node) < least || json_integer_value(node) > most) {
        char message[80];
        snprintf(message, sizeof message, "it has to be a whole number from %d to %d", least, most);
        return wrong(r, key, message);
    }
    *value = (int)json_integer_value(node);
    return true;
}

static bool read_secret(const struct reader *r, const char *key, const char *text, spindle_str *value) {
    spindle_str name;
    size_t before;
    if (!spindle_secret_name(spindle_str_from_cstr(text), &name, &before) || before != 0) {
        return wrong(r, key, "it has to be secret://NAME, so that the file of the configuration holds no secret");
    }
    if (!SPINDLE_OFFERS(r->source->host, secret_get) ||
        r->source->host->secret_get(r->source->ctx, r->source->handle, name, value) != SPINDLE_OK) {
        return wrong(r, key, "that secret is not granted; list it under secrets in the sidecar");
    }
    while (value->len > 0 && (value->ptr[value->len - 1] == '\n' || value->ptr[value->len - 1] == '\r')) value->len--;
    return true;
}

/* An absolute path, or the name of one of the instance's files, whose bytes the host has checked. */
static bool read_file(const struct reader *r, const char *key, const char *name, char *path, size_t size) {
    size_t i;
    if (SPINDLE_HAS(r->source, file_count)) {
        for (i = 0; i < r->source->file_count; i++) {
            if (!spindle_str_is(r->source->files[i]->name, name)) continue;
            snprintf(path, size, "/proc/self/fd/%d", r->source->files[i]->fd);
            return true;
        }
    }
    if (name[0] != '/' || strlen(name) >= size) {
        return wrong(r, key, "it is neither an absolute path nor one of the instance's files");
    }
    snprintf(path, size, "%s", name);
    return true;
}

static bool read_tls(struct broker *broker, const struct reader *parent) {
    const json_t *node = json_object_get(parent->object, "tls");
    const char *ca, *cert, *key;
    char pointer[128];
    struct reader r = *parent;
    if (node == NULL) return true;
    if (!json_is_object(node)) return wrong(parent, "tls", "it has to be an object; tls: {} is enough");
    snprintf(pointer, sizeof pointer, "%.100s/tls", parent->pointer);
    r.object = node;
    r.pointer = pointer;
    broker->tls = true;
    if (!read_text(&r, "caFile", NULL, &ca) || !read_text(&r, "certFile", NULL, &cert) || !read_text(&r, "key", NULL, &key) ||
        !read_text(&r, "serverName", broker->host, &broker->server_name)) {
        return false;
    }
    if ((cert == NULL) != (key == NULL)) return wrong(&r, "certFile", "a client certificate needs both certFile and key");
    if (ca != NULL && !read_file(&r, "caFile", ca, broker->ca_file, sizeof broker->ca_file)) return false;
    if (cert == NULL) return true;
    if (!read_file(&r, "certFile", cert, broker->cert_file, sizeof broker->cert_file)) return false;
    if (text_starts_nocase(key, strlen(key), "secret://")) return read_secret(&r, "key", key, &broker->key);
    return read_file(&r, "key", key, broker->key_file, sizeof broker->key_file);
}

static bool read_login(struct broker *broker, const struct reader *r) {
    const char *password;
    if (!read_text(r, "user", "guest", &broker->user) || !read_text(r, "password", NULL, &password)) return false;
    if (password != NULL) {
        if (!read_secret(r, "password", password, &broker->password)) return false;
        /* The library takes it as a C string: what follows a NUL would be dropped silently. */
        if (memchr(broker->password.ptr, '\0', broker->password.len) != NULL) return wrong(r, "password", "it holds a NUL");
        return true;
    }
    /* What every new broker has, for its own machine only. */
    if (strcmp(broker->user, "guest") != 0) return wrong(r, "password", "a user other than guest needs a password");
    broker->password = SPINDLE_STR("guest");
    return true;
}

static bool read_declare(struct broker *broker, const struct reader *r) {
    static const char *const kinds[] = {"exchanges", "queues", "bindings"};
    static const char *const names[] = {"name", "type", "exchange", "queue", "routingKey"};
    const json_t *list, *item, *text;
    size_t i, j, k;
    broker->declare = json_object_get(r->object, "declare");
    if (broker->declare == NULL) return true;
    if (!json_is_object(broker->declare)) return wrong(r, "declare", "it has to be an object");
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        list = json_object_get(broker->declare, kinds[i]);
        if (list == NULL) continue;
        if (!json_is_array(list)) return wrong(r, "declare", "exchanges, queues and bindings have to be lists");
        json_array_foreach(list, j, item) {
            for (k = 0; k < sizeof names / sizeof *names; k++) {
                text = json_object_get(item, names[k]);
                if (text != NULL && (!json_is_string(text) || json_string_length(text) > SHORT_TEXT_MOST)) {
                    return wrong(r, "declare", "names have to be texts of at most 255 bytes");
                }
            }
            if (i == 2 && (json_object_get(item, "exchange") == NULL || json_object_get(item, "queue") == NULL)) {
                return wrong(r, "declare", "a binding needs an exchange and a queue");
            }
            if (i < 2 && json_object_get(item, "name") == NULL) return wrong(r, "declare", "an exchange or queue needs a name");
        }
    }
    return true;
}

bool broker_read(struct broker *broker, const char *name, const json_t *object, const char *pointer,
                 const spindle_instance_config *source, struct config_fault *fault) {
    static const char *const keys[] = {"host", "port", "vhost", "user", "password", "tls", "heartbeatSeconds", "connectTimeoutMs",
                                       "maxReconnectDelayMs", "connectionName", "allowDeclare", "declare"};
    struct reader r = {object, pointer, source, fault};
    const char *key, *near;
    const json_t *allow;
    json_t *value;
    size_t i;
    memset(broker, 0, sizeof *broker);
    if (!json_is_object(object)) return config_wrong(fault, pointer, "a connection has to be an object");
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        for (i = 0; i < sizeof keys / sizeof *keys && strcmp(keys[i], key) != 0; i++) {
        }
        if (i < sizeof keys / sizeof *keys) continue;
        near = nearest_name(key, strlen(key), keys, sizeof keys / sizeof *keys);
        return config_wrong(fault, pointer, "unknown key \"%.40s\"%s%s%s", key, near != NULL ? "; did you mean \"" : "",
                            near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
    broker->name = name;
    if (!read_text(&r, "host", NULL, &broker->host)) return false;
    if (broker->host == NULL) return wrong(&r, "host", "a connection needs the broker's host");
    if (!read_tls(broker, &r) || !read_login(broker, &r) || !read_declare(broker, &r)) return false;
    allow = json_object_get(object, "allowDeclare");
    broker->allow_declare = json_is_true(allow);
    if (allow != NULL && !json_is_boolean(allow)) return wrong(&r, "allowDeclare", "it has to be true or false");
    return read_number(&r, "port", 1, 65535, broker->tls ? 5671 : 5672, &broker->port) &&
           read_text(&r, "vhost", "/", &broker->vhost) &&
           read_text(&r, "connectionName", "spindle", &broker->connection_name) &&
           read_number(&r, "heartbeatSeconds", 0, 3600, 30, &broker->heartbeat_s) &&
           read_number(&r, "connectTimeoutMs", 100, 60000, 5000, &broker->connect_timeout_ms) &&
           read_number(&r, "maxReconnectDelayMs", 100, 300000, 15000, &broker->max_reconnect_delay_ms);
}
