/* What the tests of the harness share. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdlib.h>
#include <string.h>

#include "fake_host.h"
#include "observer.h"
#include "proxy.h"

extern int passed, failed;
extern const spindle_executor_descriptor *rabbitmq;
extern const void *(*trigger_extension)(const char *id);
extern int broker_port, tls_port, quick;
extern const char *certificates, *broker_folder, *broker_script;

#include <stdio.h>
#define CHECK(condition, ...)                                                                                           \
    do {                                                                                                                \
        if (condition) {                                                                                                \
            passed++;                                                                                                   \
        } else {                                                                                                        \
            failed++;                                                                                                   \
            printf("FAILED %s:%d: %s: ", __FILE__, __LINE__, #condition);                                               \
            printf(__VA_ARGS__);                                                                                        \
            printf("\n");                                                                                               \
        }                                                                                                               \
    } while (0)

/* An instance whose connection "main" has these members (JSON without braces) besides host and port. */
void *instance_on(int port, const char *members);
void broker_command(const char *arguments); /* of broker.sh, its folder is put in */
struct run *start(void *instance, const char *target, const char *const *parameters);
struct run *finish(struct run *run);
void expect(const struct run *run, int32_t outcome, const char *code, const char *part, const char *where, int line);

#define START(instance, target, ...) start(instance, target, (const char *const[]){__VA_ARGS__ __VA_OPT__(,) NULL})
#define GO(instance, target, ...) finish(START(instance, target, __VA_ARGS__))
#define EXPECT(run, outcome, code, part) expect(run, outcome, code, part, __FILE__, __LINE__)
/* Runs it, looks at the end, frees it. */
#define QUICK(instance, target, outcome, code, part, ...)                                                               \
    do {                                                                                                                \
        struct run *run_ = GO(instance, target, __VA_ARGS__);                                                           \
        EXPECT(run_, outcome, code, part);                                                                              \
        run_free(run_);                                                                                                 \
    } while (0)

void test_publish(void);
void test_refusals(void);
void test_failures(void);
void test_tls(void);
void test_rpc(void);
void test_cancel(void);
void test_storm(void);
void test_blocked(void);
void test_restart(void);
void test_trigger(void);
void test_config(void);

#endif
