/* Secrets for a program: files in memory, which it finds by their numbers. */
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Nobody else can open it by a name, and it is gone with the last who has it open. */
static int keep(spindle_str value) {
    size_t done = 0;
    int fd = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING), higher;
    while (fd >= 0 && done < value.len) {
        ssize_t put = write(fd, value.ptr + done, value.len - done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) {
            (void)close(fd);
            return -1;
        }
        done += (size_t)put;
    }
    if (fd < 0) return -1;
    (void)fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    (void)lseek(fd, 0, SEEK_SET);
    if (fd > 2) return fd;
    /* Its number must stay free of stdin, stdout and stderr. */
    higher = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    (void)close(fd);
    return higher;
}

static int add(struct plan *plan, const spindle_request *request, spindle_str value, struct problem *problem) {
    struct secret_file *secret = &plan->secrets[plan->secret_count];
    spindle_str name, found = { NULL, 0 };
    size_t before, i;
    if (!spindle_secret_name(value, &name, &before)) return 0;
    for (i = 0; i < plan->secret_count; i++) {
        if (spindle_str_equal(plan->secrets[i].name, name)) return 0;
    }
    if (name.len > SPINDLE_MAX_NAME_BYTES || !SPINDLE_OFFERS(request->host, secret_get) ||
        request->host->secret_get(request->ctx, request->handle, name, &found) != SPINDLE_OK) {
        /* Text that only looks like a reference is text. */
        return 0;
    }
    *secret = (struct secret_file){ name, found, keep(found) };
    if (secret->fd < 0) {
        (void)problem_set(problem, "script.memory", NULL, "no file for a secret: %s", strerror(errno));
        problem->outcome = SPINDLE_RETRYABLE;
        return -1;
    }
    plan->secret_count++;
    return 0;
}

int plan_secrets(struct plan *plan, const struct config *config, const spindle_request *request, struct problem *problem) {
    size_t i;
    plan->secrets = arena_alloc(&plan->arena, (request->parameter_count + config->env_count + 1) * sizeof *plan->secrets);
    if (plan->secrets == NULL) return problem_memory(problem);
    for (i = 0; i < request->parameter_count; i++) {
        if (add(plan, request, request->parameters[i].value, problem) != 0) return -1;
    }
    for (i = 0; i < config->env_count; i++) {
        if (add(plan, request, config->env[i].value, problem) != 0) return -1;
    }
    return 0;
}

void secrets_close(struct plan *plan) {
    size_t i;
    for (i = 0; i < plan->secret_count; i++) (void)close(plan->secrets[i].fd);
    plan->secret_count = 0;
}
