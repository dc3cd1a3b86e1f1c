/* Drives the built plugin through the ABI against servers that run.sh started; see its call for the arguments. */
#include "harness.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int passed, failed;
struct places at;
const spindle_executor_descriptor *grpc_executor;
void *plain;

const char *text(const char *format, ...) {
    static char texts[256][1200];
    static int next;
    va_list arguments;
    next = (next + 1) % 256;
    va_start(arguments, format);
    vsnprintf(texts[next], sizeof texts[next], format, arguments);
    va_end(arguments);
    return texts[next];
}

const char *target(int port, const char *method) {
    return text("grpc://127.0.0.1:%d/shop.Shop/%s", port, method);
}

const char *target_at(const char *scheme, const char *host, int port, const char *path) {
    return text("%s://%s:%d/%s", scheme, host, port, path);
}

struct run *run_with(void *instance, const char *where, const char *const *parameters) {
    struct run *run = run_new(instance, where);
    for (; parameters != NULL && *parameters != NULL; parameters += 2) run_param(run, parameters[0], parameters[1]);
    run_execute(run);
    run_wait(run);
    return run;
}

struct run *run_payload(void *instance, const char *where, const char *payload) {
    struct run *run = run_new(instance, where);
    run->request.payload = spindle_str_from_cstr(payload);
    run_execute(run);
    run_wait(run);
    return run;
}

void expect(struct run *run, int32_t outcome, const char *code, const char *what) {
    CHECK(run->outcome == outcome && strcmp(run->code, code) == 0, "%s: got %d %s (%s) %s", what, run->outcome, run->code,
          run->message, run->details == NULL ? "" : run->details);
}

void settle_as(struct run *run, int32_t outcome, const char *code, const char *what) {
    expect(run, outcome, code, what);
    run_free(run);
}

void has(const char *whole, const char *part, const char *what) {
    CHECK(whole != NULL && strstr(whole, part) != NULL, "%s: no %s in %s", what, part, whole == NULL ? "nothing" : whole);
}

void begins(const char *whole, const char *lines) {
    size_t length = strlen(lines);
    CHECK(strncmp(whole, lines, length) == 0 && (length == 0 || lines[length - 1] == '\n'), "%s", lines);
}

void *instance_with(const char *config) {
    spindle_status status;
    void *instance = fake_create(config, &status);
    CHECK(status == SPINDLE_OK, "%s: %s %s", config, fake_last_error, fake_last_pointer);
    if (instance == NULL) exit(1);
    return instance;
}

void instance_end(void *instance) {
    grpc_executor->destroy(instance);
}

pid_t server_start(int *port) {
    char number[16], set[1024], line[64] = "";
    int ends[2];
    pid_t server;
    snprintf(number, sizeof number, "%d", *port);
    snprintf(set, sizeof set, "%s/shop.pb", at.directory);
    if (pipe(ends) != 0) exit(1);
    server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        execl(at.python, at.python, at.server, set, "--port", number, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *stream = fdopen(ends[0], "r");
    *port = fgets(line, sizeof line, stream) == NULL ? 0 : atoi(line);
    fclose(stream);
    CHECK(*port > 0, "the server did not start");
    return server;
}

void server_kill(pid_t server) {
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

int main(int argc, char **argv) {
    const spindle_executor_factory *(*entry)(void);
    const spindle_executor_factory *factory;
    int is_long = argc > 14 && strcmp(argv[14], "--long") == 0;
    void *library = argc > 13 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (library == NULL) {
        printf("cannot load: %s\n", argc > 13 ? dlerror() : "usage");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    at = (struct places){.directory = argv[2], .python = argv[3], .server = argv[4], .plain = atoi(argv[5]), .v1 = atoi(argv[6]),
                         .bare = atoi(argv[7]), .tls = atoi(argv[8]), .mutual = atoi(argv[9]), .hostile = atoi(argv[10]),
                         .noise = atoi(argv[11]), .http1 = atoi(argv[12]), .silent = atoi(argv[13])};
    *(void **)&entry = dlsym(library, "spindle_executor_factory_v1");
    factory = entry();
    grpc_executor = factory->executors[0];
    CHECK(factory->executor_count == 1 && entry() == factory, "factory");
    CHECK(factory->init(&fake_host, NULL) == SPINDLE_OK, "init");
    fake_host_start(grpc_executor);
    plain = instance_with("{}");
    test_calls();
    test_messages();
    test_descriptors();
    test_statuses();
    test_refusals();
    test_addresses();
    test_configs();
    test_tls();
    test_failures(is_long);
    test_large();
    test_hostile();
    test_time(is_long ? 300 : 20);
    test_load(is_long ? 20 : 1);
    instance_end(plain);
    fake_host_stop();
    factory->shutdown();
    CHECK(atomic_load(&fake_breaches) == 0, "%d breaches of contract", atomic_load(&fake_breaches));
    return REPORT();
}
