#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool config_wrong(struct config_fault *fault, const char *pointer, const char *format, ...) {
    va_list arguments;
    snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    va_start(arguments, format);
    (void)vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
    return false;
}

json_t *config_parse(const spindle_instance_config *source, struct config_fault *fault) {
    json_error_t error;
    const char *text = source->config.len > 0 ? source->config.ptr : "{}";
    json_t *root = json_loadb(text, source->config.len > 0 ? source->config.len : 2, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        config_wrong(fault, "", "the configuration is not JSON: %s", error.text);
    } else if (!json_is_object(root)) {
        json_decref(root);
        root = NULL;
        config_wrong(fault, "", "the configuration has to be an object");
    }
    return root;
}

static bool plain_name(const char *name) {
    size_t i;
    for (i = 0; name[i] != '\0'; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '-' && c != '.') return false;
    }
    return i >= 1 && i <= 64;
}

static bool read_connections(struct config *config, const spindle_instance_config *source, struct config_fault *fault) {
    json_t *connections = json_object_get(config->root, "connections"), *object;
    const char *key;
    if (connections == NULL) return true;
    if (!json_is_object(connections)) return config_wrong(fault, "/connections", "connections has to be an object");
    json_object_foreach(connections, key, object) {
        char pointer[96];
        if (!plain_name(key)) {
            return config_wrong(fault, "/connections", "a connection's name has 1 to 64 letters, digits, _, - and .");
        }
        snprintf(pointer, sizeof pointer, "/connections/%s", key);
        if (config->count == CONFIG_MOST_CONNECTIONS) {
            return config_wrong(fault, pointer, "at most %d connections can be named", CONFIG_MOST_CONNECTIONS);
        }
        if (!broker_read(&config->brokers[config->count], key, object, pointer, source, fault)) return false;
        config->count++;
    }
    return true;
}

bool config_read(struct config *config, const spindle_instance_config *source, struct config_fault *fault) {
    memset(config, 0, sizeof *config);
    config->root = config_parse(source, fault);
    if (config->root == NULL) return false;
    if (read_connections(config, source, fault)) return true;
    config_free(config);
    return false;
}

void config_free(struct config *config) {
    json_decref(config->root);
    config->root = NULL;
}

const struct broker *config_broker(const struct config *config, const char *name) {
    size_t i;
    for (i = 0; i < config->count; i++) {
        if (strcmp(config->brokers[i].name, name) == 0) return &config->brokers[i];
    }
    return NULL;
}
