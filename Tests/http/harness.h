/* What the tests through the ABI share. */
#ifndef HARNESS_H
#define HARNESS_H

#include "check.h"
#include "fake_host.h"

extern int port, tls_port, mtls_port;
extern const char *ca_file, *scratch; /* the certificates' directory is `scratch` */
extern const spindle_executor_descriptor *http;
extern void *plain; /* an instance with the default configuration */

void destroy_instance(void *instance);
/* An instance, or a failed check. */
void *create(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Static texts, good for a few calls. */
const char *url(const char *path);
const char *named(const char *scheme, const char *host, int to, const char *path);
struct run *with(void *instance, const char *target, const char *const *parameters);
struct run *sent(struct run *run);
void expect(struct run *run, int32_t outcome, const char *code, const char *what);
void quick(void *instance, const char *target, int32_t outcome, const char *code);

#define GO(instance, target, ...) with(instance, target, (const char *const[]){__VA_ARGS__ __VA_OPT__(,) NULL})
#define HAS(run, text) CHECK(strstr((run)->output, text) != NULL, "no %s in %s", text, (run)->output)
#define LACKS(run, text) CHECK(strstr((run)->output, text) == NULL, "%s in %s", text, (run)->output)

/* test_requests.c */
void test_basics(void);
void test_retry_after(void);
void test_requests(void);
void test_refusals(void);
/* test_bodies.c */
void test_bodies(void);
void test_artefacts(void);
/* test_network.c */
void test_redirects(void);
void test_addresses(void);
void test_late_refusal(void);
void test_reuse(void);
void test_proxy(void);
void test_configs(void);
void test_tls(void);
/* test_load.c */
void test_time_and_cancel(int storms);
void test_concurrency(int count);
void test_origin_limits(void);
/* test_templates.c */
void test_templates(void);
void test_template_refusals(void);
/* test_forms.c */
void test_forms(void);
void test_form_refusals(void);
void test_assertions(void);
/* test_auth.c */
void test_fixed_credentials(void);
void test_tokens(void);
void test_token_failures(void);
void test_client_certificates(void);
/* test_poll.c */
void test_polling(void);
void test_poll_failures(void);
void test_poll_checkpoint(void);

#endif
