#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "json.h"
#include "text.h"

const char config_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{"
    "\"addresses\":{\"enum\":[\"default\",\"public\"],\"default\":\"default\",\"description\":\"Which addresses are refused: "
    "default refuses link-local, metadata, multicast and reserved ones; public also loopback and private ones.\"},"
    "\"allow\":{\"type\":\"array\",\"maxItems\":256,\"items\":{\"type\":\"string\"},\"description\":\"Exceptions: addresses or "
    "ranges, with an optional port, such as 10.0.0.0/8 or 127.0.0.1:8080.\"},"
    "\"proxy\":{\"type\":\"string\",\"description\":\"URL of an HTTP proxy that every request goes through.\"},"
    "\"maxConnections\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":2048,\"default\":512,\"description\":\"Requests under "
    "way at once; more wait.\"},"
    "\"maxArtefactBytes\":{\"type\":\"integer\",\"minimum\":1048576,\"maximum\":4294967296,\"default\":67108864,"
    "\"description\":\"Longest body that SaveBody=artefact keeps.\"},"
    "\"userAgent\":{\"type\":\"string\",\"maxLength\":120,\"default\":\"spindle-http/1\"},"
    "\"tls\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"caFile\":{\"type\":\"string\",\"description\":"
    "\"PEM file with more certificate authorities: an absolute path or the name of one of the instance's files.\"}}}}}";

static bool wrong(struct config_fault *fault, const char *pointer, const char *message) {
    snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    snprintf(fault->message, sizeof fault->message, "%s", message);
    return false;
}

static bool read_allow(struct address_policy *policy, const struct json_node *node, struct config_fault *fault) {
    const struct json_node *item;
    size_t count = 0;
    char pointer[32];
    if (node->type != JSON_ARRAY) return wrong(fault, "/allow", "allow has to be a list");
    for (item = node->first; item != NULL; item = item->next) count++;
    if (count > ADDRESS_MOST_RANGES) return wrong(fault, "/allow", "allow has more than 256 entries");
    policy->allow = calloc(count + 1, sizeof *policy->allow);
    if (policy->allow == NULL) return wrong(fault, "/allow", "out of memory");
    for (item = node->first; item != NULL; item = item->next) {
        snprintf(pointer, sizeof pointer, "/allow/%zu", policy->allow_count);
        if (item->type != JSON_STRING ||
            !address_range_parse(&policy->allow[policy->allow_count], item->text, strlen(item->text))) {
            return wrong(fault, pointer,
                         "not an address or a range such as 10.0.0.0/8, 127.0.0.1:8080 or [fd00::/8]:443; no bits may be "
                         "set behind the prefix");
        }
        policy->allow_count++;
    }
    return true;
}

static bool read_proxy(struct config *config, const struct json_node *node, struct config_fault *fault) {
    const char *error = NULL;
    if (node->type != JSON_STRING) return wrong(fault, "/proxy", "proxy has to be a URL");
    if (!url_parse(&config->proxy, node->text, strlen(node->text), &error)) return wrong(fault, "/proxy", error);
    config->proxied = true;
    return true;
}

static bool read_user_agent(struct config *config, const struct json_node *node, struct config_fault *fault) {
    const char *c;
    if (node->type != JSON_STRING || node->text[0] == '\0' || strlen(node->text) > 120) {
        return wrong(fault, "/userAgent", "userAgent has to be a text of 1 to 120 bytes");
    }
    for (c = node->text; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7E) return wrong(fault, "/userAgent", "userAgent has to be printable ASCII");
    }
    snprintf(config->user_agent, sizeof config->user_agent, "%s", node->text);
    return true;
}

static bool read_tls(struct config *config, const struct json_node *node, const spindle_instance_config *source,
                     struct config_fault *fault) {
    const struct json_node *member;
    const char *path = NULL;
    size_t i;
    int fd;
    if (node->type != JSON_OBJECT) return wrong(fault, "/tls", "tls has to be an object");
    for (member = node->first; member != NULL; member = member->next) {
        if (strcmp(member->key, "caFile") != 0) {
            return wrong(fault, "/tls", "the only key of tls is caFile; verification cannot be turned off");
        }
        if (member->type != JSON_STRING) return wrong(fault, "/tls/caFile", "caFile has to be a text");
        path = member->text;
    }
    if (path == NULL) return true;
    if (SPINDLE_HAS(source, file_count)) {
        for (i = 0; i < source->file_count; i++) {
            if (!spindle_str_is(source->files[i]->name, path)) continue;
            snprintf(config->ca_file, sizeof config->ca_file, "/proc/self/fd/%d", source->files[i]->fd);
            return true;
        }
    }
    if (path[0] != '/' || strlen(path) >= sizeof config->ca_file) {
        return wrong(fault, "/tls/caFile", "caFile is neither an absolute path nor one of the instance's files");
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return wrong(fault, "/tls/caFile", "caFile cannot be opened");
    close(fd);
    snprintf(config->ca_file, sizeof config->ca_file, "%s", path);
    return true;
}

static bool read_member(struct config *config, const struct json_node *node, const spindle_instance_config *source,
                        struct config_fault *fault) {
    static const char *const keys[] = {"addresses", "allow", "maxArtefactBytes", "maxConnections",
                                       "proxy",     "tls",   "userAgent"};
    const char *near;
    if (strcmp(node->key, "addresses") == 0) {
        bool is_public = node->type == JSON_STRING && strcmp(node->text, "public") == 0;
        if (!is_public && (node->type != JSON_STRING || strcmp(node->text, "default") != 0)) {
            return wrong(fault, "/addresses", "addresses has to be \"default\" or \"public\"");
        }
        config->policy.mode = is_public ? ADDRESS_PUBLIC : ADDRESS_DEFAULT;
        return true;
    }
    if (strcmp(node->key, "allow") == 0) return read_allow(&config->policy, node, fault);
    if (strcmp(node->key, "proxy") == 0) return read_proxy(config, node, fault);
    if (strcmp(node->key, "userAgent") == 0) return read_user_agent(config, node, fault);
    if (strcmp(node->key, "tls") == 0) return read_tls(config, node, source, fault);
    if (strcmp(node->key, "maxConnections") == 0) {
        config->max_connections = node->integer;
        if (node->type == JSON_NUMBER && node->is_integer && node->integer >= 1 && node->integer <= 2048) return true;
        return wrong(fault, "/maxConnections", "maxConnections has to be a whole number from 1 to 2048");
    }
    if (strcmp(node->key, "maxArtefactBytes") == 0) {
        config->max_artefact_bytes = node->integer;
        if (node->type == JSON_NUMBER && node->is_integer && node->integer >= 1 << 20 &&
            node->integer <= INT64_C(1) << 32) {
            return true;
        }
        return wrong(fault, "/maxArtefactBytes", "maxArtefactBytes has to be a whole number from 1048576 to 4294967296");
    }
    near = nearest_name(node->key, strlen(node->key), keys, sizeof keys / sizeof *keys);
    wrong(fault, "", "");
    snprintf(fault->message, sizeof fault->message, "unknown key \"%.40s\"%s%s%s", node->key,
             near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
    return false;
}

bool config_read(struct config *config, const spindle_instance_config *source, struct config_fault *fault) {
    struct json_document document;
    const struct json_node *node;
    bool read = true;
    memset(config, 0, sizeof *config);
    config->max_connections = 512;
    config->max_artefact_bytes = 64 << 20;
    snprintf(config->user_agent, sizeof config->user_agent, "spindle-http/1");
    if (source->config.len == 0) return true;
    if (!json_read(&document, source->config.ptr, source->config.len)) {
        wrong(fault, "", "");
        snprintf(fault->message, sizeof fault->message, "the configuration is not JSON: %s at byte %zu", document.error,
                 document.error_offset);
        return false;
    }
    if (document.root->type != JSON_OBJECT) read = wrong(fault, "", "the configuration has to be an object");
    for (node = document.root->first; read && node != NULL; node = node->next) {
        read = read_member(config, node, source, fault);
    }
    json_free(&document);
    if (!read) config_free(config);
    return read;
}

void config_free(struct config *config) {
    free(config->policy.allow);
    config->policy.allow = NULL;
    config->policy.allow_count = 0;
    url_free(&config->proxy);
}
