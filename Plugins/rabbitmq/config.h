/* The configuration of an instance. */
#ifndef SPINDLE_RABBITMQ_CONFIG_H
#define SPINDLE_RABBITMQ_CONFIG_H

#include <jansson.h>
#include <spindle/executor.h>
#include <stdbool.h>

#define CONFIG_MOST_CONNECTIONS 32

struct config_fault {
    char message[320];
    char pointer[128]; /* RFC 6901 */
};

/* One broker that the operator named. Texts belong to the configuration's JSON, the secrets to the host: both stay until
 * the instance is destroyed. */
struct broker {
    const char *name;
    const char *host;
    int port;
    const char *vhost;
    const char *user;
    spindle_str password;
    bool tls;
    char ca_file[256];   /* empty = the system's authorities */
    char cert_file[256]; /* empty = no client certificate */
    char key_file[256];  /* empty = `key` */
    spindle_str key;
    const char *server_name; /* that the certificate must have; the host unless set */
    int heartbeat_s;
    int connect_timeout_ms;
    int max_reconnect_delay_ms;
    const char *connection_name;
    bool allow_declare;
    const json_t *declare; /* checked; NULL = nothing */
};

struct config {
    json_t *root;
    struct broker brokers[CONFIG_MOST_CONNECTIONS];
    size_t count;
};

/* schema.c */
extern const char config_schema[];
extern const char parameters_schema[];
extern const char trigger_config_schema[];

/* NULL after the fault was filled. */
json_t *config_parse(const spindle_instance_config *source, struct config_fault *fault);
bool config_wrong(struct config_fault *fault, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool config_read(struct config *config, const spindle_instance_config *source, struct config_fault *fault);
void config_free(struct config *config);
/* NULL when there is none of that name. */
const struct broker *config_broker(const struct config *config, const char *name);

/* broker.c: reads one connection; `pointer` leads to `object`. */
bool broker_read(struct broker *broker, const char *name, const json_t *object, const char *pointer,
                 const spindle_instance_config *source, struct config_fault *fault);

#endif
