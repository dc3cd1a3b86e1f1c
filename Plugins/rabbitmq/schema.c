/* The schemas: what an operator and a job may write. Docs/executors/rabbitmq.md has the same names and defaults. */
#include "config.h"

#define ARGUMENTS "\"arguments\":{\"type\":\"object\"}"
#define NAME "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}"
#define KEY_NAME "{\"type\":\"string\",\"maxLength\":255}"
#define TRUE_OR_FALSE(otherwise) "{\"type\":\"boolean\",\"default\":" otherwise "}"
#define CLOSED "\"type\":\"object\",\"additionalProperties\":false"

#define DECLARE                                                                                                         \
    "{" CLOSED ",\"description\":\"What is declared each time that the connection is made.\",\"properties\":{"          \
    "\"exchanges\":{\"type\":\"array\",\"maxItems\":256,\"items\":{" CLOSED ",\"required\":[\"name\"],\"properties\":{" \
    "\"name\":" NAME ",\"type\":{\"type\":\"string\",\"default\":\"direct\"},\"durable\":" TRUE_OR_FALSE("true")        \
    ",\"autoDelete\":" TRUE_OR_FALSE("false") ",\"internal\":" TRUE_OR_FALSE("false") "," ARGUMENTS "}}},"               \
    "\"queues\":{\"type\":\"array\",\"maxItems\":256,\"items\":{" CLOSED ",\"required\":[\"name\"],\"properties\":{"    \
    "\"name\":" NAME ",\"durable\":" TRUE_OR_FALSE("true") ",\"autoDelete\":" TRUE_OR_FALSE("false") "," ARGUMENTS       \
    "}}},"                                                                                                              \
    "\"bindings\":{\"type\":\"array\",\"maxItems\":256,\"items\":{" CLOSED                                              \
    ",\"required\":[\"exchange\",\"queue\"],\"properties\":{\"exchange\":" NAME ",\"queue\":" NAME                      \
    ",\"routingKey\":" KEY_NAME "," ARGUMENTS "}}}}}"

#define CONNECTION                                                                                                      \
    "{" CLOSED ",\"required\":[\"host\"],\"properties\":{"                                                              \
    "\"host\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255},"                                                 \
    "\"port\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535,\"description\":\"5672; 5671 with tls.\"},"         \
    "\"vhost\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"default\":\"/\"},"                              \
    "\"user\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"default\":\"guest\"},"                           \
    "\"password\":{\"type\":\"string\",\"pattern\":\"^secret://.+$\"},"                                                 \
    "\"tls\":{" CLOSED ",\"properties\":{\"caFile\":" NAME ",\"certFile\":" NAME ",\"key\":" NAME                       \
    ",\"serverName\":" NAME "}},"                                                                                       \
    "\"heartbeatSeconds\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":3600,\"default\":30},"                        \
    "\"connectTimeoutMs\":{\"type\":\"integer\",\"minimum\":100,\"maximum\":60000,\"default\":5000},"                   \
    "\"maxReconnectDelayMs\":{\"type\":\"integer\",\"minimum\":100,\"maximum\":300000,\"default\":15000},"              \
    "\"connectionName\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"default\":\"spindle\"},"               \
    "\"allowDeclare\":" TRUE_OR_FALSE("false") ",\"declare\":" DECLARE "}}"

#define DIALECT "\"$schema\":\"https://json-schema.org/draft/2020-12/schema\""

const char config_schema[] =
    "{" DIALECT "," CLOSED ",\"properties\":{\"connections\":{\"type\":\"object\",\"maxProperties\":32,"
    "\"propertyNames\":{\"pattern\":\"^[A-Za-z0-9_.-]{1,64}$\"},\"additionalProperties\":" CONNECTION "}}}";

const char trigger_config_schema[] =
    "{" DIALECT "," CLOSED ",\"required\":[\"connection\",\"queue\"],\"properties\":{"
    "\"connection\":" CONNECTION ","
    "\"queue\":" NAME ","
    "\"prefetch\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":20},"
    "\"type\":{\"type\":\"string\",\"maxLength\":128},"
    "\"target\":{\"type\":\"string\",\"maxLength\":4096},"
    "\"jobName\":{\"type\":\"string\",\"maxLength\":255},"
    "\"parameters\":{\"type\":\"object\",\"maxProperties\":256,\"additionalProperties\":{\"type\":\"string\"}},"
    "\"typeHeader\":" NAME ",\"types\":{\"type\":\"array\",\"maxItems\":256,\"items\":{\"type\":\"string\"}},"
    "\"targetHeader\":" NAME ",\"targets\":{\"type\":\"array\",\"maxItems\":256,\"items\":{\"type\":\"string\"}},"
    "\"parameterHeaders\":{\"type\":\"object\",\"maxProperties\":64,\"additionalProperties\":" NAME "},"
    "\"body\":{\"enum\":[\"payload\",\"parameters\",\"none\"],\"default\":\"payload\"},"
    "\"bodyParameters\":{\"type\":\"array\",\"maxItems\":256,\"items\":{\"type\":\"string\"}},"
    "\"retryDelayMs\":{\"type\":\"integer\",\"minimum\":10,\"maximum\":600000,\"default\":1000}}}";

#define LENGTH_LIMITED "{\"type\":\"string\",\"maxLength\":255}"

const char parameters_schema[] =
    "{" DIALECT ",\"type\":\"object\",\"properties\":{"
    "\"Mode\":{\"type\":\"string\",\"default\":\"publish\",\"description\":\"publish, or rpc: wait for the reply.\"},"
    "\"Body\":{\"type\":\"string\",\"description\":\"The body as text. The job's payload is the other way to give one.\"},"
    "\"ContentType\":{\"type\":\"string\",\"maxLength\":255,\"description\":\"application/json for Body; the payload's own for a "
    "payload.\"},"
    "\"ContentEncoding\":" LENGTH_LIMITED ","
    "\"Headers\":{\"type\":\"object\",\"description\":\"Headers as a JSON object, with numbers, truth values, lists, tables.\"},"
    "\"Persistent\":{\"type\":\"boolean\",\"default\":true},"
    "\"Mandatory\":{\"type\":\"boolean\",\"default\":true},"
    "\"Priority\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":255},"
    "\"ExpirationMs\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":4294967295},"
    "\"MessageId\":{\"type\":\"string\",\"maxLength\":255,\"description\":\"The job's idempotency key.\"},"
    "\"CorrelationId\":" LENGTH_LIMITED ",\"ReplyTo\":" LENGTH_LIMITED ",\"Type\":" LENGTH_LIMITED ",\"AppId\":" LENGTH_LIMITED ","
    "\"DeclareExchange\":{\"type\":\"string\",\"description\":\"Type of the exchange of the target, which is "
    "declared first: direct, fanout, topic, headers.\"},"
    "\"DeclareQueue\":{\"type\":\"string\",\"maxLength\":255,\"description\":\"A durable queue that is declared and bound to the "
    "exchange with the routing key first.\"}},"
    "\"patternProperties\":{\"^[Hh][Ee][Aa][Dd][Ee][Rr]_.+$\":{\"type\":\"string\",\"description\":\"The header named behind the "
    "underscore, as a text.\"}}}";
