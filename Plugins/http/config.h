/* The configuration of an instance. */
#ifndef SPINDLE_HTTP_CONFIG_H
#define SPINDLE_HTTP_CONFIG_H

#include <spindle/executor.h>

#include "address.h"
#include "url.h"

struct config {
    struct address_policy policy;
    bool proxied;
    struct url proxy;
    int64_t max_connections;
    int64_t max_artefact_bytes;
    char user_agent[128];
    char ca_file[4096]; /* empty = only the system's */
};

struct config_fault {
    char message[256];
    char pointer[64]; /* RFC 6901 */
};

extern const char config_schema[];

bool config_read(struct config *config, const spindle_instance_config *source, struct config_fault *fault);
void config_free(struct config *config);

#endif
