/* A plugin that is compiled in several versions. VERSION is its output; BREAK is what is wrong with it: 0 nothing, 1 it
 * does not load, 2 its instance cannot be created, 3 its attempts fail, 4 its attempts crash, 5 it is slow to load, 6 its
 * check fails. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <spindle/executor.h>

#ifndef TYPE
#define TYPE "version"
#endif
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

#if BREAK == 5
__attribute__((constructor)) static void begin(void) { sleep(1); }
#endif

static spindle_status check(void *instance, spindle_handle handle) {
    (void)instance;
    (void)handle;
    return BREAK == 6 ? SPINDLE_E_INTERNAL : SPINDLE_OK;
}

static spindle_status run(void *instance, spindle_handle attempt, const spindle_request *r) {
    (void)instance;
    (void)attempt;
    if (spindle_str_is(r->target, "wait")) {
        const struct timespec step = { 0, 1000000 };
        spindle_str path = spindle_param_or(r, "until", "");
        char name[512];
        if (path.len >= sizeof name) return SPINDLE_E_INVALID;
        memcpy(name, path.ptr, path.len);
        name[path.len] = 0;
        spindle_log(r, SPINDLE_LOG_INFO, "waiting");
        while (access(name, F_OK) != 0) {
            if (spindle_cancel_state(r) != SPINDLE_CANCEL_NONE) return spindle_fail(r, SPINDLE_CANCELLED, "version.cancelled", "");
            nanosleep(&step, NULL);
        }
    }
    if (spindle_str_is(r->target, "fail")) return spindle_fail(r, SPINDLE_PERMANENT, "version.asked", "as asked");
    if (BREAK == 3) return spindle_fail(r, SPINDLE_PERMANENT, "version.broken", "this version is broken");
    if (BREAK == 4) abort();
    return spindle_succeed(r, SPINDLE_STR(TEXT(VERSION)), "text/plain");
}

static spindle_status create(const spindle_instance_config *config, void **instance) {
    *instance = NULL;
    if (BREAK == 2) return spindle_config_error(config, "version.create", "this version does not start", "");
    return SPINDLE_OK;
}

static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = TYPE, .execute = run, .create = create,
                                                  .check = check };
static const spindle_executor_descriptor *const kinds[] = { &kind };
static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1, .executors = kinds,
    .plugin_id = "com.example.version", .plugin_version = "1." TEXT(VERSION) ".0" };
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return BREAK == 1 ? NULL : &factory; }
