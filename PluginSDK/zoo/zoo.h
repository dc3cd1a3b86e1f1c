/* What the plugins of the zoo share: each says what an attempt does; the factory and the executor are made here. */
#ifndef ZOO_H
#define ZOO_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <spindle/executor.h>

#define ZOO_UNUSED __attribute__((unused))

/* What an attempt does; `request` is the attempt's. */
#define ZOO_RUN                                                                                                        \
    static spindle_status run(ZOO_UNUSED void *instance, ZOO_UNUSED spindle_handle attempt,                            \
                              ZOO_UNUSED const spindle_request *request)

/* A factory with the executors of an array `kinds`. */
#define ZOO_FACTORY(name, ...)                                                                                         \
    static const spindle_executor_factory factory = {                                                                  \
        .struct_size = sizeof factory, .abi_minor = SPINDLE_ABI_MINOR, .executor_count = 1, .executors = kinds,        \
        .plugin_id = "com.example.zoo." name, .plugin_version = "1.0.0", __VA_ARGS__ };                                \
    SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }

/* One executor whose type is the plugin's name; more or other fields of its descriptor may follow. */
#define ZOO_KIND(name, ...)                                                                                            \
    static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = name, .execute = run,        \
                                                      __VA_ARGS__ };                                                   \
    static const spindle_executor_descriptor *const kinds[] = { &kind };

/* The whole of most of them. */
#define ZOO(name, ...)                                                                                                 \
    ZOO_KIND(name, __VA_ARGS__)                                                                                        \
    ZOO_FACTORY(name, .sdk = NULL)

static inline spindle_status zoo_succeed(const spindle_request *request) {
    return spindle_succeed(request, SPINDLE_STR("done"), "text/plain");
}

/* Says that something was not as the row of the table expects. */
static inline spindle_status zoo_fail(const spindle_request *request, const char *code) {
    return spindle_fail(request, SPINDLE_PERMANENT, code, "see the code");
}

static inline void zoo_pause(long milliseconds) {
    struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

static inline void zoo_hang(void) {
    for (;;) zoo_pause(1000);
}

static inline spindle_status zoo_complete(const spindle_request *request, const spindle_result *result) {
    return request->host->complete(request->ctx, request->handle, result);
}

#endif
