/* TLS: whom the executor believes, and how it shows itself. */
#include "harness.h"

static void *instance_with(const char *host, const char *tls) {
    char config[1024];
    snprintf(config, sizeof config, "{\"connections\":{\"main\":{\"host\":\"%s\",\"port\":%d,\"tls\":{%s}}}}", host, tls_port, tls);
    return fake_create(config, &(spindle_status){0});
}

static void judge(const char *host, const char *tls, int32_t outcome, const char *code, const char *part) {
    void *instance = instance_with(host, tls);
    CHECK(instance != NULL, "%s: %s", tls, fake_last_error);
    if (instance == NULL) return;
    QUICK(instance, "rabbitmq:main//plain", outcome, code, part);
    rabbitmq->destroy(instance);
}

static char *read_file(const char *name) {
    char path[512], *bytes = calloc(1, 8192);
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", certificates, name);
    file = fopen(path, "r");
    if (file == NULL || fread(bytes, 1, 8191, file) == 0) abort();
    fclose(file);
    return bytes;
}

void test_tls(void) {
    char ca[256], other[256], named[512], client[1024], wrong[1024], *key = read_file("client.key"), *large = calloc(1, 1048576);
    struct run *run;
    void *instance;
    snprintf(ca, sizeof ca, "\"caFile\":\"%s/ca.pem\"", certificates);
    snprintf(other, sizeof other, "\"caFile\":\"%s/other.pem\"", certificates);
    snprintf(named, sizeof named, "%s,\"serverName\":\"localhost\"", ca);
    snprintf(client, sizeof client, "%s,\"certFile\":\"%s/client.pem\",\"key\":\"%s/client.key\"", ca, certificates, certificates);
    snprintf(wrong, sizeof wrong, "%s,\"certFile\":\"%s/client.pem\",\"key\":\"%s/server.key\"", ca, certificates, certificates);
    observer_queue("plain", 0);
    judge("localhost", ca, SPINDLE_SUCCESS, "", "");
    judge("127.0.0.1", named, SPINDLE_SUCCESS, "", "");
    judge("localhost", client, SPINDLE_SUCCESS, "", "");
    judge("127.0.0.1", ca, SPINDLE_PERMANENT, "rabbitmq.tls.certificate", "IP address mismatch");
    snprintf(named, sizeof named, "%s,\"serverName\":\"broker.example\"", ca);
    judge("localhost", named, SPINDLE_PERMANENT, "rabbitmq.tls.certificate", "hostname mismatch");
    judge("localhost", other, SPINDLE_PERMANENT, "rabbitmq.tls.certificate", "self-signed certificate in certificate chain");
    judge("localhost", "", SPINDLE_PERMANENT, "rabbitmq.tls.certificate", "self-signed certificate in certificate chain");
    judge("localhost", wrong, SPINDLE_PERMANENT, "rabbitmq.tls.setup", "does not belong to certFile");
    judge("localhost", "\"caFile\":\"/nowhere/ca.pem\"", SPINDLE_PERMANENT, "rabbitmq.tls.setup", "caFile cannot be read");
    /* The key as a secret; a body that takes many records. */
    fake_key = key;
    snprintf(client, sizeof client, "%s,\"certFile\":\"%s/client.pem\",\"key\":\"secret://key\"", ca, certificates);
    instance = instance_with("localhost", client);
    run = run_new(instance, "rabbitmq:main//plain");
    run->request.payload = spindle_str_make(large, 1048576);
    run_execute(run);
    run_wait(run);
    EXPECT(run, SPINDLE_SUCCESS, "", "");
    run_free(run);
    rabbitmq->destroy(instance);
    /* TLS where there is none, and none where there is TLS. */
    instance = instance_on(broker_port, "\"tls\":{},\"connectTimeoutMs\":2000");
    QUICK(instance, "rabbitmq:main//plain", SPINDLE_RETRYABLE, "rabbitmq.tls", "the TLS handshake");
    rabbitmq->destroy(instance);
    instance = instance_on(tls_port, "\"connectTimeoutMs\":2000");
    run = GO(instance, "rabbitmq:main//plain");
    CHECK(run->outcome != SPINDLE_SUCCESS, "%s", run->code);
    run_free(run);
    rabbitmq->destroy(instance);
    CHECK(observer_count("plain") == 4, "%d", observer_count("plain"));
    free(key);
    free(large);
}
