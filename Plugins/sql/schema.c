/* What the host is told about the configuration and the parameters. */
#include "config.h"

#define TYPES "{\"enum\":[\"text\",\"integer\",\"decimal\",\"double\",\"boolean\",\"date\",\"time\",\"timestamp\",\"binary\",\"uuid\",\"json\"]"
#define ISOLATION "\"isolation\":{\"enum\":[\"default\",\"readUncommitted\",\"readCommitted\",\"repeatableRead\",\"serializable\"]," \
                  "\"default\":\"default\"},"
#define PARAMETERS(direction, more) \
    "\"parameters\":{\"type\":\"array\",\"maxItems\":1000,\"default\":[],\"items\":{\"type\":\"object\",\"additionalProperties\":false," \
    "\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":\"string\"},\"type\":" TYPES ",\"default\":\"text\"}," direction \
    "\"required\":{\"type\":\"boolean\",\"default\":true},\"default\":{}" more "}}},"
#define BOTH \
    "\"connections\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}," \
    "\"result\":{\"enum\":[\"json\",\"csv\",\"none\"],\"default\":\"json\"}," \
    "\"rowLimit\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000,\"default\":1000}," \
    "\"maxRows\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000000000,\"default\":1000000}," \
    "\"timeoutMs\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":86400000}," ISOLATION \
    "\"transaction\":{\"type\":\"boolean\",\"default\":true}"

const char config_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"connections\"],\"properties\":{"
    "\"connections\":{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":256,\"additionalProperties\":{"
    "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"driver\":{\"type\":\"string\"},"
    "\"dsn\":{\"type\":\"string\"},"
    "\"system\":{\"enum\":[\"postgresql\",\"mariadb\",\"sqlite\",\"other\"]},"
    "\"server\":{\"type\":\"string\"},"
    "\"port\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535},"
    "\"database\":{\"type\":\"string\"},"
    "\"user\":{\"type\":\"string\"},"
    "\"password\":{\"type\":\"string\",\"pattern\":\"^secret://\"},"
    "\"tls\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"caFile\"],"
    "\"properties\":{\"caFile\":{\"type\":\"string\",\"pattern\":\"^/\"}}},"
    "\"options\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},\"default\":{}},"
    "\"pool\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":256,\"default\":4},"
    "\"connectTimeoutMs\":{\"type\":\"integer\",\"minimum\":1000,\"maximum\":300000,\"default\":4000},"
    "\"idleTimeoutMs\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":86400000,\"default\":60000},"
    "\"idleCheckMs\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":86400000,\"default\":1000},"
    "\"check\":{\"type\":\"string\",\"default\":\"SELECT 1\"}," ISOLATION
    "\"readOnly\":{\"type\":\"boolean\",\"default\":false}}}},"
    "\"statements\":{\"type\":\"object\",\"maxProperties\":4096,\"default\":{},\"additionalProperties\":{"
    "\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"sql\"],\"properties\":{"
    "\"sql\":{\"type\":\"string\",\"minLength\":1}," PARAMETERS("", "") BOTH "}}},"
    "\"procedures\":{\"type\":\"object\",\"maxProperties\":4096,\"default\":{},\"additionalProperties\":{"
    "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"routine\":{\"type\":\"string\"},"
    "\"function\":{\"type\":\"boolean\",\"default\":false},"
    "\"returns\":" TYPES "},"
    PARAMETERS("\"direction\":{\"enum\":[\"in\",\"out\",\"inout\"],\"default\":\"in\"},",
               ",\"maxBytes\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65536,\"default\":4096}") BOTH "}}},"
    "\"maxArtefactBytes\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1099511627776,\"default\":1073741824}}}";

const char parameters_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"
    "\"patternProperties\":{\"^Param_\":{\"type\":\"string\"}},"
    "\"properties\":{"
    "\"Params\":{\"type\":[\"object\",\"array\"]},"
    "\"Result\":{\"enum\":[\"json\",\"csv\",\"none\"]},"
    "\"RowLimit\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000},"
    "\"TimeoutMs\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":86400000}}}";
