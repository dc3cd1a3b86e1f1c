#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

bool config_wrong(struct config_fault *fault, const char *pointer, const char *message) {
    snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    snprintf(fault->message, sizeof fault->message, "%s", message);
    return false;
}

bool config_unknown(struct config_fault *fault, const char *pointer, const char *key, const char *const *keys, size_t count) {
    const char *near = nearest_name(key, strlen(key), keys, count);
    snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    snprintf(fault->message, sizeof fault->message, "unknown key \"%.40s\"%s%s%s", key,
             near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
    return false;
}

bool config_integer(const json_t *node, const char *pointer, int64_t least, int64_t most, int64_t *value,
                    struct config_fault *fault) {
    *value = json_integer_value(node);
    if (json_is_integer(node) && *value >= least && *value <= most) return true;
    snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    snprintf(fault->message, sizeof fault->message, "%s has to be a whole number from %lld to %lld", strrchr(pointer, '/') + 1,
             (long long)least, (long long)most);
    return false;
}

bool config_file(const spindle_instance_config *source, const json_t *node, const char *pointer,
                 char path[CONFIG_PATH_BYTES], struct config_fault *fault) {
    const char *text = json_string_value(node);
    size_t i;
    int fd;
    if (text == NULL) return config_wrong(fault, pointer, "the path of a file has to be a text");
    if (SPINDLE_HAS(source, file_count)) {
        for (i = 0; i < source->file_count; i++) {
            if (!spindle_str_is(source->files[i]->name, text)) continue;
            snprintf(path, CONFIG_PATH_BYTES, "/proc/self/fd/%d", source->files[i]->fd);
            return true;
        }
    }
    if (text[0] != '/' || strlen(text) >= CONFIG_PATH_BYTES) {
        return config_wrong(fault, pointer, "this is neither an absolute path nor one of the instance's files");
    }
    fd = open(text, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return config_wrong(fault, pointer, "the file cannot be opened");
    close(fd);
    snprintf(path, CONFIG_PATH_BYTES, "%s", text);
    return true;
}

static bool read_allow(struct address_policy *policy, const json_t *node, struct config_fault *fault) {
    char pointer[32];
    size_t i;
    if (!json_is_array(node)) return config_wrong(fault, "/allow", "allow has to be a list");
    if (json_array_size(node) > ADDRESS_MOST_RANGES) {
        return config_wrong(fault, "/allow", "allow has more than 256 entries");
    }
    policy->allow = calloc(json_array_size(node) + 1, sizeof *policy->allow);
    if (policy->allow == NULL) return config_wrong(fault, "/allow", "out of memory");
    for (i = 0; i < json_array_size(node); i++) {
        const char *text = json_string_value(json_array_get(node, i));
        snprintf(pointer, sizeof pointer, "/allow/%zu", i);
        if (text == NULL || !address_range_parse(&policy->allow[i], text, strlen(text))) {
            return config_wrong(fault, pointer,
                                "not an address or a range such as 10.0.0.0/8, 127.0.0.1:8080 or [fd00::/8]:443; no bits may "
                                "be set behind the prefix");
        }
        policy->allow_count++;
    }
    return true;
}

static bool read_proxy(struct config *config, const json_t *node, struct config_fault *fault) {
    const char *error = "proxy has to be a URL", *text = json_string_value(node);
    if (text == NULL || !url_parse(&config->proxy, text, strlen(text), &error)) {
        return config_wrong(fault, "/proxy", error);
    }
    config->proxied = true;
    return true;
}

static bool read_user_agent(struct config *config, const json_t *node, struct config_fault *fault) {
    const char *text = json_string_value(node), *c;
    if (text == NULL || text[0] == '\0' || strlen(text) > 120) {
        return config_wrong(fault, "/userAgent", "userAgent has to be a text of 1 to 120 bytes");
    }
    for (c = text; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7E) return config_wrong(fault, "/userAgent", "userAgent has to be printable ASCII");
    }
    snprintf(config->user_agent, sizeof config->user_agent, "%s", text);
    return true;
}

static bool read_tls(struct config *config, json_t *node, const spindle_instance_config *source, struct config_fault *fault) {
    const char *key;
    json_t *member;
    if (!json_is_object(node)) return config_wrong(fault, "/tls", "tls has to be an object");
    json_object_foreach(node, key, member) {
        if (strcmp(key, "caFile") != 0) {
            return config_wrong(fault, "/tls", "the only key of tls is caFile; verification cannot be turned off");
        }
        if (!config_file(source, member, "/tls/caFile", config->ca_file, fault)) return false;
    }
    return true;
}

static bool read_uploads(struct config *config, json_t *node, struct config_fault *fault) {
    static const char *const keys[] = {"directory", "maxBytes"};
    const char *key;
    json_t *member;
    if (!json_is_object(node)) return config_wrong(fault, "/uploads", "uploads has to be an object");
    json_object_foreach(node, key, member) {
        if (strcmp(key, "maxBytes") == 0) {
            if (!config_integer(member, "/uploads/maxBytes", 1, INT64_C(1) << 32, &config->max_upload_bytes, fault)) return false;
        } else if (strcmp(key, "directory") == 0) {
            const char *path = json_string_value(member);
            if (path == NULL || path[0] != '/') {
                return config_wrong(fault, "/uploads/directory", "the directory of uploads has to be an absolute path");
            }
            config->uploads = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (config->uploads < 0) {
                return config_wrong(fault, "/uploads/directory", "the directory of uploads cannot be opened");
            }
        } else {
            return config_unknown(fault, "/uploads", key, keys, COUNT_OF(keys));
        }
    }
    return config->uploads >= 0 || config_wrong(fault, "/uploads", "uploads needs a directory");
}

static bool read_member(struct config *config, const char *key, json_t *node, const spindle_instance_config *source,
                        struct config_fault *fault) {
    static const char *const keys[] = {"addresses",      "allow",                 "hosts", "maxArtefactBytes",
                                       "maxConnections", "maxConnectionsPerHost", "proxy", "tls",
                                       "uploads",        "userAgent"};
    if (strcmp(key, "addresses") == 0) {
        const char *text = json_is_string(node) ? json_string_value(node) : "";
        bool is_public = strcmp(text, "public") == 0;
        if (!is_public && strcmp(text, "default") != 0) {
            return config_wrong(fault, "/addresses", "addresses has to be \"default\" or \"public\"");
        }
        config->policy.mode = is_public ? ADDRESS_PUBLIC : ADDRESS_DEFAULT;
        return true;
    }
    if (strcmp(key, "allow") == 0) return read_allow(&config->policy, node, fault);
    if (strcmp(key, "proxy") == 0) return read_proxy(config, node, fault);
    if (strcmp(key, "userAgent") == 0) return read_user_agent(config, node, fault);
    if (strcmp(key, "tls") == 0) return read_tls(config, node, source, fault);
    if (strcmp(key, "uploads") == 0) return read_uploads(config, node, fault);
    if (strcmp(key, "hosts") == 0) return config_read_hosts(config, node, source, fault);
    if (strcmp(key, "maxConnections") == 0) {
        return config_integer(node, "/maxConnections", 1, 2048, &config->max_connections, fault);
    }
    if (strcmp(key, "maxConnectionsPerHost") == 0) {
        return config_integer(node, "/maxConnectionsPerHost", 0, 2048, &config->max_per_host, fault);
    }
    if (strcmp(key, "maxArtefactBytes") == 0) {
        return config_integer(node, "/maxArtefactBytes", 1 << 20, INT64_C(1) << 32, &config->max_artefact_bytes, fault);
    }
    return config_unknown(fault, "", key, keys, COUNT_OF(keys));
}

bool config_read(struct config *config, const spindle_instance_config *source, struct config_fault *fault) {
    json_error_t error;
    json_t *document, *node;
    const char *key;
    bool read = true;
    memset(config, 0, sizeof *config);
    config->max_connections = 512;
    config->max_artefact_bytes = config->max_upload_bytes = 64 << 20;
    config->uploads = -1;
    snprintf(config->user_agent, sizeof config->user_agent, "spindle-http/1");
    if (source->config.len == 0) return true;
    document = json_loadb(source->config.ptr, source->config.len, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL) {
        config_wrong(fault, "", "");
        snprintf(fault->message, sizeof fault->message, "the configuration is not JSON: %.160s at byte %d", error.text,
                 error.position);
        return false;
    }
    if (!json_is_object(document)) read = config_wrong(fault, "", "the configuration has to be an object");
    else json_object_foreach(document, key, node) {
        read = read_member(config, key, node, source, fault);
        if (!read) break;
    }
    json_decref(document);
    if (!read) config_free(config);
    return read;
}

void config_free(struct config *config) {
    free(config->policy.allow);
    config->policy.allow = NULL;
    config->policy.allow_count = 0;
    url_free(&config->proxy);
    if (config->uploads >= 0) close(config->uploads);
    config->uploads = -1;
    config_free_hosts(config);
}
