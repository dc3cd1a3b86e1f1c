/* Configurations: what is refused, and where it points. */
#include "harness.h"

void test_configs(void) {
    static const char *const bad[][3] = {
        {"[]", "", "an object"},
        {"{", "", "not JSON"},
        {"{\"adresses\": \"public\"}", "", "did you mean \"addresses\"?"},
        {"{\"addresses\": \"private\"}", "/addresses", "\"default\" or \"public\""},
        {"{\"addresses\": 1}", "/addresses", "\"default\" or \"public\""},
        {"{\"allow\": \"10.0.0.0/8\"}", "/allow", "a list"},
        {"{\"allow\": [\"10.0.0.0/8\", \"10.0.0.1/8\"]}", "/allow/1", "behind the prefix"},
        {"{\"allow\": [1]}", "/allow/0", "not an address"},
        {"{\"tls\": true}", "/tls", "an object"},
        {"{\"tls\": {\"verify\": false}}", "/tls", "unknown key \"verify\""},
        {"{\"tls\": {\"required\": 1}}", "/tls/required", "true or false"},
        {"{\"tls\": {\"caFile\": \"/nonexistent\"}}", "/tls/caFile", "no such file"},
        {"{\"tls\": {\"caFile\": \"x.pem\"}}", "/tls/caFile", "neither an absolute path"},
        {"{\"tls\": {\"caFile\": \"/\"}}", "/tls/caFile", "not a regular file"},
        {"{\"tls\": {\"caFile\": \"/etc/passwd\"}}", "/tls/caFile", "not PEM"},
        {"{\"tls\": {\"key\": \"plain text\"}}", "/tls/key", "secret://NAME"},
        {"{\"tls\": {\"key\": \"secret://none\"}}", "/tls/key", "no such secret"},
        {"{\"tls\": {\"key\": \"secret://tls-key\"}}", "/tls", "belong together"},
        {"{\"tls\": {\"serverName\": \"\"}}", "/tls/serverName", "a host's name"},
        {"{\"tls\": {\"serverName\": \"a b\"}}", "/tls/serverName", "a host's name"},
        {"{\"descriptors\": \"/nonexistent\"}", "/descriptors", "no such file"},
        {"{\"descriptors\": \"/etc/passwd\"}", "/descriptors", "not a descriptor set"},
        {"{\"descriptors\": 1}", "/descriptors", "a file"},
        {"{\"reflection\": false}", "/reflection", "a file with descriptors"},
        {"{\"reflection\": \"no\"}", "/reflection", "true or false"},
        {"{\"descriptorsAgeMs\": -1}", "/descriptorsAgeMs", "0 to 86400000"},
        {"{\"maxMessageBytes\": 1023}", "/maxMessageBytes", "1024 to 268435456"},
        {"{\"maxMessageBytes\": 1e6}", "/maxMessageBytes", "a whole number"},
        {"{\"maxArtefactBytes\": 1}", "/maxArtefactBytes", "1048576 to 4294967296"},
        {"{\"connectTimeoutMs\": 99}", "/connectTimeoutMs", "100 to 600000"},
        {"{\"keepaliveMs\": 86400001}", "/keepaliveMs", "0 to 86400000"},
        {"{\"reflection\": true, \"reflection\": true}", "", "duplicate"},
    };
    spindle_status status;
    void *instance;
    size_t i;
    fake_tls_key = "-----BEGIN PRIVATE KEY-----";
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(fake_create(bad[i][0], &status) == NULL && status == SPINDLE_E_CONFIG, "%s: %d", bad[i][0], status);
        CHECK(strcmp(fake_last_pointer, bad[i][1]) == 0, "%s: %s", bad[i][0], fake_last_pointer);
        has(fake_last_error, bad[i][2], bad[i][0]);
    }
    CHECK(fake_create(text("{\"descriptors\": \"%s/orphan.pb\"}", at.directory), &status) == NULL, "a set without its imports");
    has(fake_last_error, "not valid", "a set without its imports");
    static const char *const pairs[][3] = {{"client.pem", "stranger.key", "the key is not the certificate's"},
                                           {"client.key", "client.key", "no certificate that can be read"},
                                           {"client.pem", "client.pem", "the key cannot be read"},
                                           {"client.pem", "locked.key", "without a passphrase"}};
    for (i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char *config = text("{\"tls\": {\"certFile\": \"%s/%s\", \"keyFile\": \"%s/%s\"}}", at.directory, pairs[i][0],
                                  at.directory, pairs[i][1]);
        CHECK(fake_create(config, &status) == NULL && status == SPINDLE_E_CONFIG, "%s: %d", config, status);
        CHECK(strcmp(fake_last_pointer, "/tls") == 0, "%s: %s", config, fake_last_pointer);
        has(fake_last_error, pairs[i][2], config);
    }
    instance = instance_with("{\"tls\": {\"required\": true}}");
    settle_as(GO(instance, target(at.plain, "GetOrder")), SPINDLE_PERMANENT, "grpc.target", "plaintext where TLS is required");
    instance_end(instance);
    /* What reads it has it checked by the host against this. */
    has(grpc_executor->config_schema, "\"additionalProperties\":false", "schema");
    has(grpc_executor->parameters_schema, "MaxResponseBytes", "schema");
}
