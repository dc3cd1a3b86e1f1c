/* The configuration of an instance. */
#ifndef SPINDLE_HTTP_CONFIG_H
#define SPINDLE_HTTP_CONFIG_H

#include <jansson.h>
#include <spindle/executor.h>

#include "address.h"
#include "text.h"
#include "url.h"

#define CONFIG_MOST_HOSTS 256
#define CONFIG_PATH_BYTES 4096

enum auth_kind { AUTH_NONE, AUTH_FIXED, AUTH_OAUTH2 };

struct token;

struct oauth2_config {
    struct url token_url;
    struct buffer request;       /* the form that is posted; may hold the client's secret */
    struct buffer authorization; /* a header line, or empty when the secret is in the form */
};

/* What belongs to one origin. */
struct host_config {
    struct url origin;
    int64_t connections; /* 0 = the general limit */
    enum auth_kind auth;
    struct buffer authorization; /* the header line of AUTH_FIXED */
    struct oauth2_config oauth2;
    char certificate[CONFIG_PATH_BYTES]; /* empty = none */
    char key[CONFIG_PATH_BYTES];         /* empty = key_text */
    struct buffer key_text;
    struct token *token; /* of AUTH_OAUTH2; the loop's */
};

struct config {
    struct address_policy policy;
    bool proxied;
    struct url proxy;
    int64_t max_connections;
    int64_t max_per_host; /* 0 = no limit of its own */
    int64_t max_artefact_bytes;
    char user_agent[128];
    char ca_file[CONFIG_PATH_BYTES]; /* empty = only the system's */
    int uploads;                     /* a directory, or -1 */
    int64_t max_upload_bytes;
    struct host_config *hosts;
    size_t host_count;
};

struct config_fault {
    char message[256];
    char pointer[96]; /* RFC 6901 */
};

extern const char config_schema[];

bool config_read(struct config *config, const spindle_instance_config *source, struct config_fault *fault);
void config_free(struct config *config);
/* What belongs to the URL's origin, or NULL. */
struct host_config *config_host(const struct config *config, const struct url *url);

/* Shared by config.c and config_hosts.c. */
bool config_wrong(struct config_fault *fault, const char *pointer, const char *message);
bool config_unknown(struct config_fault *fault, const char *pointer, const char *key, const char *const *keys, size_t count);
bool config_integer(const json_t *node, const char *pointer, int64_t least, int64_t most, int64_t *value,
                    struct config_fault *fault);
/* One of the instance's files, or an absolute path that can be opened. */
bool config_file(const spindle_instance_config *source, const json_t *node, const char *pointer,
                 char path[CONFIG_PATH_BYTES], struct config_fault *fault);
bool config_read_hosts(struct config *config, const json_t *node, const spindle_instance_config *source,
                       struct config_fault *fault);
void config_free_hosts(struct config *config);

#endif
