/* Reads jobs, one JSON object a line, runs them in the plugin and writes what came of each, one line for each. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *instance;
static char *config; /* the instance's */

static void forget(void) {
    if (instance != NULL) host_destroy(instance);
    instance = NULL;
    free(config);
    config = NULL;
}

/* The instance lives until a job has another configuration. */
static json_t *with_instance(json_t *job, const char *wanted) {
    json_t *refusal = NULL;
    if (json_is_true(json_object_get(job, "wouldTake"))) return json_integer(host_would_take(job));
    if (config == NULL || strcmp(config, wanted) != 0) {
        forget();
        instance = host_create(wanted, &refusal);
        if (instance == NULL) return refusal;
        config = strdup(wanted);
    }
    return json_is_true(json_object_get(job, "check")) ? host_check(instance) : host_run(instance, job);
}

static json_t *answer(json_t *job) {
    const char *raw = json_string_value(json_object_get(job, "rawConfig"));
    char *text = raw != NULL ? strdup(raw) : json_dumps(json_object_get(job, "config"), JSON_COMPACT | JSON_SORT_KEYS);
    json_t *said = json_is_true(json_object_get(job, "describe")) ? host_describe(text) : with_instance(job, text);
    free(text);
    return said;
}

int main(int count, char **arguments) {
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    const spindle_executor_descriptor *executor;
    if (count != 2) return 2;
    json_object_seed(1);
    executor = host_load(arguments[1]);
    if ((executor->flags & SPINDLE_EXECUTOR_NEEDS_ISOLATION) == 0 || (executor->flags & SPINDLE_EXECUTOR_CONCURRENT) != 0) return 1;
    while ((length = getline(&line, &size, stdin)) > 0) {
        json_t *job = json_loadb(line, (size_t)length, JSON_ALLOW_NUL, NULL), *said;
        if (job == NULL) return 2;
        said = answer(job);
        json_dumpf(said, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
        putchar('\n');
        fflush(stdout);
        json_decref(said);
        json_decref(job);
    }
    free(line);
    forget();
    return host_breaches == 0 ? 0 : 3;
}
