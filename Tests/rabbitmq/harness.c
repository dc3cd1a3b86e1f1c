/* Drives the built plugin through the ABI against a broker.
 * Usage: harness PLUGIN --schemas, or harness PLUGIN AMQP_PORT TLS_PORT CERTIFICATES BROKER_FOLDER BROKER_SCRIPT [--quick|--whole [TEST]] */
#include "harness.h"

#include <dlfcn.h>

#include <spindle/trigger.h>

int passed, failed, broker_port, tls_port, quick;
const char *certificates, *broker_folder, *broker_script;
const spindle_executor_descriptor *rabbitmq;
const void *(*trigger_extension)(const char *id);

void *instance_on(int port, const char *members) {
    char config[2048];
    spindle_status status;
    void *instance;
    snprintf(config, sizeof config, "{\"connections\":{\"main\":{\"host\":\"localhost\",\"port\":%d%s%s}}}", port,
             members[0] != '\0' ? "," : "", members);
    instance = fake_create(config, &status);
    if (instance != NULL) return instance;
    printf("FAILED: no instance of %s: %d %s\n", config, status, fake_last_error);
    exit(1);
}

void broker_command(const char *arguments) {
    char command[1024], words[512];
    const char *space = strchr(arguments, ' ');
    snprintf(words, sizeof words, "%.*s", (int)(space != NULL ? space - arguments : (long)strlen(arguments)), arguments);
    snprintf(command, sizeof command, "'%s' %s '%s'%s >/dev/null 2>&1", broker_script, words, broker_folder, space != NULL ? space : "");
    CHECK(system(command) == 0, "%s", command);
}

struct run *start(void *instance, const char *target, const char *const *parameters) {
    struct run *run = run_new(instance, target);
    for (; *parameters != NULL; parameters += 2) run_param(run, parameters[0], parameters[1]);
    run_execute(run);
    return run;
}

struct run *finish(struct run *run) {
    run_wait(run);
    return run;
}

void expect(const struct run *run, int32_t outcome, const char *code, const char *part, const char *where, int line) {
    if (run->outcome == outcome && strcmp(run->code, code) == 0 && strstr(run->message, part) != NULL) {
        passed++;
        return;
    }
    failed++;
    printf("FAILED %s:%d: %.*s: got %d %s (%s), wanted %d %s (%s)\n", where, line, (int)run->request.target.len,
           run->request.target.ptr, run->outcome, run->code, run->message, outcome, code, part);
}

/* A line each: the configuration, that of the trigger, the parameters. */
static void print_schemas(void) {
    const spindle_trigger_factory *triggers = trigger_extension("spindle.trigger/1");
    printf("%s\n%s\n%s\n", rabbitmq->config_schema, triggers->triggers[0]->executor->config_schema, rabbitmq->parameters_schema);
}

int main(int argc, char **argv) {
    static void (*const tests[])(void) = {test_config, test_publish, test_refusals, test_rpc, test_cancel, test_failures,
                                          test_tls,    test_storm,   test_blocked,  test_trigger, test_restart};
    static const char *const names[] = {"config", "publish", "refusals", "rpc", "cancel", "failures", "tls", "storm", "blocked", "trigger", "restart"};
    const spindle_executor_factory *(*factory)(void);
    void *library;
    size_t i;
    if (argc < 3) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        printf("%s\n0 passed, 1 failed\n", dlerror());
        return 1;
    }
    factory = (const spindle_executor_factory *(*)(void))(uintptr_t)dlsym(library, "spindle_executor_factory_v1");
    rabbitmq = factory()->executors[0];
    trigger_extension = factory()->get_extension;
    if (strcmp(argv[2], "--schemas") == 0) {
        print_schemas();
        return 0;
    }
    if (argc < 7) return 2;
    broker_port = atoi(argv[2]);
    tls_port = atoi(argv[3]);
    certificates = argv[4];
    broker_folder = argv[5];
    broker_script = argv[6];
    quick = argc > 7 && strcmp(argv[7], "--quick") == 0;
    CHECK(factory()->init(&fake_host, NULL) == SPINDLE_OK, "init");
    fake_host_start(rabbitmq);
    observer_connect(broker_port);
    for (i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (argc < 9 || strcmp(argv[8], names[i]) == 0) tests[i]();
    }
    observer_close();
    fake_host_stop();
    if (factory()->shutdown != NULL) factory()->shutdown();
    CHECK(atomic_load(&fake_breaches) == 0, "%d breaches", atomic_load(&fake_breaches));
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
