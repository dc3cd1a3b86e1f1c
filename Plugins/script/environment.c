/* The environment of a program: made from scratch, so that nothing of the host's leaks into it. */
#include "plan.h"

#include <string.h>

struct building {
    struct arena *arena;
    char **list;
    size_t count;
    bool no_memory;
};

/* A later value replaces an earlier one: most programs take the first of two, some the last. */
static void put(struct building *b, const char *prefix, spindle_str name, spindle_str value) {
    char *entry = arena_assignment(b->arena, prefix, name, value);
    size_t len = strlen(prefix) + name.len + 1;
    size_t i;
    if (entry == NULL) {
        b->no_memory = true;
        return;
    }
    for (i = 0; i < b->count && strncmp(b->list[i], entry, len) != 0; i++) continue;
    if (i == b->count) b->count++;
    b->list[i] = entry;
}

static void put_text(struct building *b, const char *name, spindle_str value) {
    if (value.len > 0) put(b, "", spindle_str_from_cstr(name), value);
}

/* SPINDLE_PARAM_NAME: the case stays, '.' and '-' become '_'. */
static int put_parameter(struct building *b, const spindle_kv *parameter, struct problem *problem) {
    static const char prefix[] = "SPINDLE_PARAM_";
    size_t before = b->count, i;
    char pointer[SPINDLE_MAX_NAME_BYTES];
    char *name = arena_copy(b->arena, parameter->key.ptr, parameter->key.len);
    (void)snprintf(pointer, sizeof pointer, "/%.*s", shown(parameter->key.len), parameter->key.ptr);
    if (name == NULL) return problem_memory(problem);
    for (i = 0; i < parameter->key.len; i++) {
        if (name[i] == '.' || name[i] == '-') name[i] = '_';
        if (name[i] == '=' || name[i] == 0) {
            return problem_set(problem, "script.parameters", pointer, "the name cannot be that of a variable");
        }
    }
    if (sizeof prefix + parameter->key.len + parameter->value.len > PLAN_MAX_STRING) {
        return problem_set(problem, "script.parameters", pointer,
                           "the value is over 128 KiB: Linux takes no longer variable; send it as the payload");
    }
    put(b, prefix, spindle_str_make(name, parameter->key.len), parameter->value);
    if (b->count == before && !b->no_memory) {
        return problem_set(problem, "script.parameters", pointer,
                           "two parameters become the variable %s%s; rename one of them", prefix, name);
    }
    return 0;
}

/* SPINDLE_SECRET_NAME_FILE, and with `secretsInEnv` SPINDLE_SECRET_NAME. */
static int put_secret(struct building *b, const struct config *config, const struct secret_file *secret,
                      struct problem *problem) {
    char name[SPINDLE_MAX_NAME_BYTES + 8], path[32];
    size_t before = b->count, i;
    (void)snprintf(name, sizeof name, "%.*s_FILE", (int)secret->name.len, secret->name.ptr);
    for (i = 0; i < secret->name.len; i++) {
        if (name[i] == '.' || name[i] == '-') name[i] = '_';
    }
    (void)snprintf(path, sizeof path, "/dev/fd/%d", secret->fd);
    put(b, "SPINDLE_SECRET_", spindle_str_from_cstr(name), spindle_str_from_cstr(path));
    if (b->count == before && !b->no_memory) {
        return problem_set(problem, "script.parameters", NULL, "two secrets become the variable SPINDLE_SECRET_%s", name);
    }
    if (!config->secrets_in_env) return 0;
    if (secret->value.len > PLAN_MAX_STRING - sizeof name || memchr(secret->value.ptr, 0, secret->value.len) != NULL) {
        return problem_set(problem, "script.parameters", NULL, "the secret %.*s cannot be a variable: use its file",
                           (int)secret->name.len, secret->name.ptr);
    }
    put(b, "SPINDLE_SECRET_", spindle_str_make(name, secret->name.len), secret->value);
    return 0;
}

static void put_report(struct building *b, int fd) {
    char number[16], path[32];
    if (fd < 0) return;
    (void)snprintf(number, sizeof number, "%d", fd);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", fd);
    put(b, "", SPINDLE_STR("SPINDLE_REPORT_FD"), spindle_str_from_cstr(number));
    put(b, "", SPINDLE_STR("SPINDLE_REPORT"), spindle_str_from_cstr(path));
}

int plan_environment(struct plan *plan, const struct config *config, const spindle_request *request,
                     const struct places *places, struct problem *problem) {
    struct building b = { .arena = &plan->arena };
    char attempt[24];
    size_t i;
    b.list = arena_alloc(&plan->arena, (plan->variable_count + config->env_count + 2 * plan->secret_count + 20) * sizeof *b.list);
    if (b.list == NULL) return problem_memory(problem);
    (void)snprintf(attempt, sizeof attempt, "%lld", (long long)request->attempt);
    /* First these: only they can meet each other. */
    for (i = 0; i < plan->variable_count; i++) {
        if (put_parameter(&b, plan->variables[i], problem) != 0) return -1;
    }
    put_text(&b, "PATH", spindle_str_from_cstr(config->path));
    put_text(&b, "LANG", SPINDLE_STR("C.UTF-8"));
    put_text(&b, "HOME", spindle_str_from_cstr(places->home));
    put_text(&b, "TMPDIR", spindle_str_from_cstr(places->home));
    for (i = 0; i < config->env_count; i++) put(&b, "", config->env[i].name, config->env[i].value);
    put_text(&b, "SPINDLE_EXECUTION_ID", request->execution_id);
    put_text(&b, "SPINDLE_JOB", request->job_name);
    put_text(&b, "SPINDLE_ATTEMPT", spindle_str_from_cstr(attempt));
    put_text(&b, "SPINDLE_IDEMPOTENCY_KEY", request->idempotency_key);
    put_text(&b, "TRACEPARENT", request->traceparent);
    put_text(&b, "TRACESTATE", request->tracestate);
    put_text(&b, "SPINDLE_ARTEFACTS", spindle_str_from_cstr(places->artefacts));
    put_report(&b, places->report);
    for (i = 0; i < plan->secret_count; i++) {
        if (put_secret(&b, config, &plan->secrets[i], problem) != 0) return -1;
    }
    if (b.no_memory) return problem_memory(problem);
    plan->environment = b.list;
    return 0;
}
