/* What a configuration may say, and what is said about one that is wrong. */
#include "harness.h"

static void refused(const char *config, const char *pointer, const char *part) {
    spindle_status status;
    void *instance = fake_create(config, &status);
    CHECK(instance == NULL && status == SPINDLE_E_CONFIG, "%s: %d", config, status);
    CHECK(strcmp(fake_last_pointer, pointer) == 0, "%s: at %s", config, fake_last_pointer);
    CHECK(strstr(fake_last_error, part) != NULL, "%s: %s", config, fake_last_error);
}

#define MAIN(members) "{\"connections\":{\"main\":{" members "}}}"

void test_config(void) {
    spindle_status status;
    void *instance = fake_create("{}", &status);
    CHECK(instance != NULL, "%d", status);
    QUICK(instance, "rabbitmq:main//q", SPINDLE_PERMANENT, "rabbitmq.target", "there is no connection \"main\"");
    rabbitmq->destroy(instance);
    refused("[]", "", "has to be an object");
    refused("{", "", "is not JSON");
    refused("{\"connections\":{\"a b\":{\"host\":\"h\"}}}", "/connections", "letters, digits");
    refused(MAIN(""), "/connections/main/host", "needs the broker's host");
    refused(MAIN("\"host\":\"h\",\"prot\":1"), "/connections/main", "did you mean \"port\"?");
    refused(MAIN("\"host\":\"h\",\"port\":0"), "/connections/main/port", "1 to 65535");
    refused(MAIN("\"host\":\"h\",\"port\":99999999999999999999"), "", "is not JSON");
    refused(MAIN("\"host\":\"h\",\"heartbeatSeconds\":-1"), "/connections/main/heartbeatSeconds", "0 to 3600");
    refused(MAIN("\"host\":\"h\",\"password\":\"plain\""), "/connections/main/password", "secret://NAME");
    refused(MAIN("\"host\":\"h\",\"password\":\"secret://none\""), "/connections/main/password", "not granted");
    refused(MAIN("\"host\":\"h\",\"user\":\"ada\""), "/connections/main/password", "needs a password");
    refused(MAIN("\"host\":\"h\",\"tls\":true"), "/connections/main/tls", "has to be an object");
    refused(MAIN("\"host\":\"h\",\"tls\":{\"caFile\":\"ca.pem\"}"), "/connections/main/tls/caFile", "absolute path");
    refused(MAIN("\"host\":\"h\",\"tls\":{\"certFile\":\"/a\"}"), "/connections/main/tls/certFile", "both");
    refused(MAIN("\"host\":\"h\",\"declare\":{\"queues\":[{}]}"), "/connections/main/declare", "needs a name");
    refused(MAIN("\"host\":\"h\",\"declare\":{\"bindings\":[{\"queue\":\"q\"}]}"), "/connections/main/declare", "an exchange and a queue");
    CHECK(rabbitmq->can_execute(&(spindle_request){.struct_size = sizeof(spindle_request), .target = SPINDLE_STR_INIT("rabbitmq:a//q")}) == 1, "can");
    CHECK(rabbitmq->can_execute(&(spindle_request){.struct_size = sizeof(spindle_request), .target = SPINDLE_STR_INIT("rabbitmq:")}) == 0, "cannot");
}
