/* A host that holds the plugin to the rules of the ABI, and keeps what it says as JSON. */
#ifndef HOST_H
#define HOST_H

#include <jansson.h>
#include <spindle/executor.h>

/* Loads the plugin and takes its only executor; ends the process when it cannot. */
const spindle_executor_descriptor *host_load(const char *path);

/* An instance of a configuration; NULL: *refusal says why. */
void *host_create(const char *config, json_t **refusal);
json_t *host_check(void *instance);
json_t *host_describe(const char *config);
void host_destroy(void *instance);

/* Runs a job {"target", "parameters", "payload", "contentType", "cancelAtProgress", "cancelled", "busy", "cancelWhenBusy",
 * "noArtefacts"}; what came of it. */
json_t *host_run(void *instance, json_t *job);

/* Whether the executor says that it would take the job, by "target" and "payload". */
int host_would_take(json_t *job);

extern int host_breaches; /* rules that the plugin broke: 0 */

#endif
