/* Drives the built plugin through the ABI against server.py.
 * Usage: harness PLUGIN PORT TLS_PORT(0 = none) MTLS_PORT DIRECTORY [--quick | --long] */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

int passed, failed;
int port, tls_port, mtls_port;
const char *ca_file, *scratch;
const spindle_executor_descriptor *http;
void *plain;

void destroy_instance(void *instance) {
    http->destroy(instance);
}

const char *url(const char *path) {
    static char text[8][1024];
    static int at;
    at = (at + 1) % 8;
    snprintf(text[at], sizeof text[at], "http://127.0.0.1:%d%s", port, path);
    return text[at];
}

const char *named(const char *scheme, const char *host, int to, const char *path) {
    static char text[8][1024];
    static int at;
    at = (at + 1) % 8;
    snprintf(text[at], sizeof text[at], "%s://%s:%d%s", scheme, host, to, path);
    return text[at];
}

struct run *with(void *instance, const char *target, const char *const *parameters) {
    struct run *run = run_new(instance, target);
    for (; parameters != NULL && *parameters != NULL; parameters += 2) run_param(run, parameters[0], parameters[1]);
    run_execute(run);
    run_wait(run);
    return run;
}

void expect(struct run *run, int32_t outcome, const char *code, const char *what) {
    CHECK(run->outcome == outcome && strcmp(run->code, code) == 0, "%s: got %d %s (%s)", what, run->outcome, run->code,
          run->message);
}

void *create(const char *format, ...) {
    char config[4096];
    spindle_status status;
    va_list arguments;
    void *instance;
    va_start(arguments, format);
    vsnprintf(config, sizeof config, format, arguments);
    va_end(arguments);
    instance = fake_create(config, &status);
    CHECK(instance != NULL, "%s: %s", config, fake_last_error);
    return instance;
}

struct run *sent(struct run *run) {
    run_execute(run);
    run_wait(run);
    return run;
}

void quick(void *instance, const char *target, int32_t outcome, const char *code) {
    struct run *run = GO(instance, target);
    expect(run, outcome, code, target);
    run_free(run);
}

int main(int argc, char **argv) {
    const spindle_executor_factory *(*entry)(void);
    const spindle_executor_factory *factory;
    spindle_status status;
    char ca_path[1024];
    int is_long = argc > 6 && strcmp(argv[6], "--long") == 0;
    void *library = argc > 5 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (library == NULL) {
        printf("cannot load: %s\n", argc > 5 ? dlerror() : "usage");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    port = atoi(argv[2]);
    tls_port = atoi(argv[3]);
    mtls_port = atoi(argv[4]);
    scratch = argv[5];
    snprintf(ca_path, sizeof ca_path, "%s/ca.pem", scratch);
    ca_file = ca_path;
    *(void **)&entry = dlsym(library, "spindle_executor_factory_v1");
    factory = entry();
    http = factory->executors[0];
    CHECK(factory->init(&fake_host, NULL) == SPINDLE_OK, "init");
    fake_host_start(http);
    plain = fake_create("{}", &status);
    CHECK(plain != NULL, "create");
    test_basics();
    test_retry_after();
    test_requests();
    test_refusals();
    test_bodies();
    test_artefacts();
    test_redirects();
    test_addresses();
    test_late_refusal();
    test_reuse();
    test_time_and_cancel(is_long ? 14 : 1);
    test_concurrency(500);
    test_origin_limits();
    test_templates();
    test_template_refusals();
    test_forms();
    test_form_refusals();
    test_assertions();
    test_fixed_credentials();
    test_tokens();
    test_token_failures();
    test_client_certificates();
    test_polling();
    test_poll_failures();
    test_poll_checkpoint();
    test_proxy();
    test_configs();
    test_tls();
    destroy_instance(plain);
    fake_host_stop();
    factory->shutdown();
    CHECK(atomic_load(&fake_breaches) == 0, "%d breaches of contract", atomic_load(&fake_breaches));
    return REPORT();
}
