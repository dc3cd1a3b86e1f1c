#include "job.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define PLAN_MOST_BYTES ((size_t)64 << 20)

static int plan_single(struct job *job) {
    struct step *step = arena_alloc(&job->plan, sizeof *step);
    spindle_str target = job->request->target;
    if (step == NULL) return problem_memory(&job->problem, &job->plan);
    job->steps = step;
    job->count = 1;
    if ((target.len == 0 || spindle_str_is(target, "native:")) && job->config->function_count == 1) {
        step->function = job->config->functions; /* the only one needs no naming */
    } else {
        step->function = function_find(job->config, target, &job->plan, &job->problem);
    }
    if (step->function == NULL) return -1;
    step->fails = step->function->fails;
    return arguments_read(job, step);
}

/* Everything that the call needs of the library is there before it is called. */
static int find_functions(struct job *job, struct step *step) {
    const struct function *function = step->function;
    const struct signature *signature = &function->signature;
    native_function unused;
    size_t i;
    if (library_function(function->library, function->symbol, &step->address, &job->problem) != 0) return -1;
    for (i = 0; i <= signature->count; i++) {
        const struct item *item = i == signature->count ? &signature->result : &signature->items[i];
        if (item->free != NULL && library_free_function(function->library, item->free, &unused, &job->problem) != 0) return -1;
    }
    return 0;
}

int job_plan(struct job *job) {
    const spindle_request *request = job->request;
    size_t i;
    int list = 1;
    job->arena.most = job->config->max_bytes;
    job->arena.bound =
        "\"maxBytes\" of the configuration allows for arguments and results; ask for less, or let an operator raise it";
    job->plan.most = PLAN_MOST_BYTES;
    job->plan.bound = "a job may use for its signatures; write shorter ones, or fewer calls";
    job->earlier = json_object();
    job->done = json_array();
    job->output = "json";
    if (job->earlier == NULL || job->done == NULL) return problem_memory(&job->problem, &(struct arena){ 0 });
    if ((request->target.len == 0 || spindle_str_is(request->target, "native:")) && request->payload.len > 0) {
        list = payload_read(job);
    }
    if (list < 0 || (list > 0 && plan_single(job) != 0)) return -1;
    job->list = list == 0;
    for (i = 0; i < job->count; i++) {
        struct step *step = &job->steps[i];
        if (failure_check(&step->fails, &step->function->signature.result, &job->problem) != 0 ||
            find_functions(job, step) != 0) {
            return -1;
        }
    }
    return 0;
}

static void say_where(struct job *job, size_t index) {
    char context[300];
    if (!job->list) return;
    (void)snprintf(context, sizeof context, "call %zu (%.200s)", index, job->steps[index].function->label);
    problem_prefix(&job->problem, context);
}

/* "" with a number that errno has no name for. */
static const char *errno_name(int number) {
    const char *name = number == 0 ? NULL : strerrorname_np(number);
    return name == NULL ? "" : name;
}

static int failed(struct job *job, const struct call *call, const json_t *result) {
    const struct failure *fails = call->fails;
    char *text = json_dumps(json_object_get(result, "result"), JSON_ENCODE_ANY | JSON_COMPACT);
    char code[sizeof job->problem.code] = "native.failed", why[300] = "";
    if (fails->use_errno && call->error != 0) {
        const char *name = errno_name(call->error), *description = strerrordesc_np(call->error);
        size_t at = (size_t)snprintf(code, sizeof code, "native.errno.");
        for (; *name != 0 && at + 1 < sizeof code; name++) code[at++] = (char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name);
        code[at] = 0;
        if (code[at - 1] == '.') (void)snprintf(code, sizeof code, "native.errno.%d", call->error);
        (void)snprintf(why, sizeof why, ": %s (%s)", description == NULL ? "an error" : description, errno_name(call->error));
    }
    (void)problem_set(&job->problem, code, NULL, "%.300s failed: it returned %.300s, which is declared a failure (%s)%s",
                      call->function->label, text == NULL ? "?" : text, fails->text, why);
    free(text);
    if (fails->outcome != SPINDLE_SUCCESS) {
        job->problem.outcome = fails->outcome;
    } else if (fails->use_errno && errno_is_passing(call->error)) {
        job->problem.outcome = SPINDLE_RETRYABLE;
    }
    return -1;
}

static int cancelled(struct job *job, const char *what) {
    (void)problem_set(&job->problem, "native.cancelled", NULL, "%s", what);
    job->problem.outcome = SPINDLE_CANCELLED;
    return -1;
}

/* Keeps a result for the output and for later calls. */
static int keep(struct job *job, const struct step *step, json_t *result) {
    json_t *named = json_object();
    int status = 0;
    if (named == NULL) status = -1;
    if (status == 0 && step->as != NULL) {
        status = json_object_set(job->earlier, step->as, result) | json_object_set_new(named, "as", json_string(step->as));
    }
    if (status == 0) status = json_object_update(named, result) | json_array_append(job->done, named);
    json_decref(named);
    return status == 0 ? 0 : problem_memory(&job->problem, &(struct arena){ 0 });
}

static int run_step(struct job *job, const struct step *step) {
    struct call *call = calloc(1, sizeof *call);
    struct marshal m = { .request = job->request, .arena = &job->arena, .problem = &job->problem, .handles = &job->handles,
                         .earlier = job->earlier, .read = &job->read };
    json_t *result = NULL;
    int status;
    if (call == NULL) return problem_memory(&job->problem, &(struct arena){ 0 });
    call->function = step->function;
    call->fails = &step->fails;
    call->m = &m;
    call->of_list = job->list;
    (void)snprintf(m.path, sizeof m.path, "%s", job->list ? "/calls" : "/args");
    if (job->list) {
        (void)path_enter_index(&m, (size_t)(step - job->steps));
        (void)path_enter(&m, "args");
    }
    status = call_prepare(call, step->arguments);
    if (status == 0) {
        (void)snprintf(m.path, sizeof m.path, "%s", step->as == NULL ? "" : step->as);
        m.naming = step->as != NULL;
        status = call_run(call, step->address, &result);
    }
    if (status == 0) status = keep(job, step, result);
    if (status == 0 && call->stopped) status = cancelled(job, "the function was told to stop by its callback, and returned");
    if (status == 0 && call->failed) status = failed(job, call, result);
    json_decref(result);
    call_close(call);
    free(call);
    return status;
}

/* After a failure: what earlier calls took is given back, as far as there is something. */
static void run_always(struct job *job, size_t from) {
    struct problem first = job->problem;
    size_t i;
    for (i = from; i < job->count; i++) {
        memset(&job->problem, 0, sizeof job->problem);
        if (job->steps[i].always) (void)run_step(job, &job->steps[i]);
    }
    job->problem = first;
}

int job_run(struct job *job) {
    size_t i;
    for (i = 0; i < job->count; i++) {
        int status;
        if (spindle_cancel_state(job->request) > SPINDLE_CANCEL_NONE) {
            status = cancelled(job, i == 0 ? "the attempt was cancelled before the function was called"
                                           : "the attempt was cancelled between two calls");
        } else {
            status = run_step(job, &job->steps[i]);
        }
        if (status == 0) continue;
        say_where(job, i);
        run_always(job, job->problem.outcome == SPINDLE_CANCELLED && json_array_size(job->done) == i ? i : i + 1);
        return -1;
    }
    return 0;
}

void job_free(struct job *job) {
    json_decref(job->document);
    json_decref(job->earlier);
    json_decref(job->done);
    arena_free(&job->arena);
    arena_free(&job->plan);
}
