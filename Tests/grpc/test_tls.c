/* TLS, mutual TLS, and names and authorities that are wrong. */
#include "harness.h"

static char *read_file(const char *name) {
    static char bytes[8192];
    FILE *file = fopen(text("%s/%s", at.directory, name), "r");
    size_t length = file == NULL ? 0 : fread(bytes, 1, sizeof bytes - 1, file);
    CHECK(length > 0, "%s", name);
    if (file != NULL) fclose(file);
    bytes[length] = '\0';
    return bytes;
}

static void tls(void *instance, const char *host, int port, int32_t outcome, const char *code, const char *what) {
    struct run *run = GO(instance, target_at("grpcs", host, port, "shop.Shop/GetOrder"), "order_id", "7");
    settle_as(run, outcome, code, what);
}

void test_tls(void) {
    const char *dir = at.directory;
    void *trusting = instance_with(text("{\"tls\": {\"caFile\": \"%s/ca.pem\"}}", dir));
    void *renamed = instance_with(text("{\"tls\": {\"caFile\": \"%s/ca.pem\", \"serverName\": \"good.test\"}}", dir));
    void *misnamed = instance_with(text("{\"tls\": {\"caFile\": \"%s/ca.pem\", \"serverName\": \"bad.test\"}}", dir));
    void *client = instance_with(text("{\"tls\": {\"caFile\": \"%s/ca.pem\", \"certFile\": \"%s/client.pem\", \"keyFile\": \"%s/client.key\"}}",
                                      dir, dir, dir));
    void *secret, *stranger;
    fake_tls_key = read_file("client.key");
    secret = instance_with(text("{\"tls\": {\"caFile\": \"%s/ca.pem\", \"certFile\": \"%s/client.pem\", \"key\": \"secret://tls-key\"}}",
                                dir, dir));
    stranger = instance_with(text("{\"tls\": {\"caFile\": \"%s/ca.pem\", \"certFile\": \"%s/stranger.pem\", \"keyFile\": \"%s/stranger.key\"}}",
                                  dir, dir, dir));
    tls(trusting, "good.test", at.tls, SPINDLE_SUCCESS, "", "TLS");
    tls(trusting, "127.0.0.1", at.tls, SPINDLE_SUCCESS, "", "TLS with an address that the certificate has");
    tls(trusting, "other.test", at.tls, SPINDLE_PERMANENT, "grpc.tls.certificate", "a wrong name");
    tls(trusting, "127.0.0.2", at.tls, SPINDLE_RETRYABLE, "grpc.connect", "nobody there");
    tls(plain, "good.test", at.tls, SPINDLE_PERMANENT, "grpc.tls.certificate", "an unknown authority");
    tls(renamed, "other.test", at.tls, SPINDLE_SUCCESS, "", "serverName");
    tls(misnamed, "good.test", at.tls, SPINDLE_PERMANENT, "grpc.tls.certificate", "a wrong serverName");
    tls(trusting, "good.test", at.plain, SPINDLE_RETRYABLE, "grpc.tls", "TLS to a server without");
    settle_as(GO(trusting, target(at.tls, "GetOrder")), SPINDLE_RETRYABLE, "grpc.connect", "plaintext to a server with TLS");
    tls(client, "good.test", at.mutual, SPINDLE_SUCCESS, "", "mutual TLS");
    tls(secret, "good.test", at.mutual, SPINDLE_SUCCESS, "", "mutual TLS with a key that is a secret");
    tls(trusting, "good.test", at.mutual, SPINDLE_RETRYABLE, "grpc.connect", "mutual TLS without a certificate");
    tls(stranger, "good.test", at.mutual, SPINDLE_RETRYABLE, "grpc.connect", "a certificate that the server does not know");
    tls(client, "good.test", at.tls, SPINDLE_SUCCESS, "", "a certificate that nobody wants");
    instance_end(trusting);
    instance_end(renamed);
    instance_end(misnamed);
    instance_end(client);
    instance_end(secret);
    instance_end(stranger);
}
