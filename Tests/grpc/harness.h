/* What the tests share. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "check.h"
#include "fake_dns.h"
#include "fake_host.h"

/* Where the servers are that run.sh started. */
struct places {
    int plain, v1, bare, tls, mutual, hostile, noise, http1, silent;
    const char *directory; /* shop.pb, ca.pem, client.pem, client.key, … */
    const char *python, *server; /* to start more */
};
extern struct places at;
extern const spindle_executor_descriptor *grpc_executor;
extern void *plain; /* an instance with the default configuration */
extern int passed, failed;

/* "grpc://127.0.0.1:PORT/shop.Shop/METHOD" and the like; good for 256 calls. */
const char *target(int port, const char *method);
const char *target_at(const char *scheme, const char *host, int port, const char *path);
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The arguments after `where` are names and values of parameters, in turn. */
#define GO(instance, where, ...) run_with(instance, where, (const char *const[]){__VA_ARGS__ __VA_OPT__(,) NULL})
struct run *run_with(void *instance, const char *where, const char *const *parameters);
struct run *run_payload(void *instance, const char *where, const char *payload);

void expect(struct run *run, int32_t outcome, const char *code, const char *what);
/* The same with a run that is of no more interest. */
void settle_as(struct run *run, int32_t outcome, const char *code, const char *what);
void has(const char *text, const char *part, const char *what);

/* The lines of a stream up to some moment: the first of `whole`, none of them cut. */
void begins(const char *whole, const char *lines);

void *instance_with(const char *config);
void instance_end(void *instance);

/* A server of its own that can be killed; port 0 = any. Returns its process, and the port in *port. */
pid_t server_start(int *port);
void server_kill(pid_t server);

void test_calls(void);
void test_messages(void);
void test_descriptors(void);
void test_statuses(void);
void test_refusals(void);
void test_addresses(void);
void test_configs(void);
void test_tls(void);
void test_failures(int is_long);
void test_large(void);
void test_hostile(void);
void test_time(int rounds);
void test_load(int waves);

#endif
