/* Control groups: one directory a hierarchy, made by the outer, joined by the runner, removed by the outer. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sandbox.h"

enum { PERIOD_US = 100000 };

static int is_kind(const char *kind, const char *one) { return strcmp(kind, one) == 0; }

static int write_text(const char *directory, const char *file, const char *text) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", directory, file);
    return sandbox_write(open(path, O_WRONLY | O_CLOEXEC), text);
}

static int write_number(const char *directory, const char *file, uint64_t number) {
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return write_text(directory, file, text);
}

static int limit_memory(sandbox *box, const char *kind, const char *directory) {
    if (is_kind(kind, "unified")) {
        if (!write_number(directory, "memory.max", box->setup.memory)) return 0;
        /* Without swap there is nothing to limit, and all of the worker dies, not a part of it that leaves the rest hanging. */
        (void)write_text(directory, "memory.swap.max", "0");
        (void)write_text(directory, "memory.oom.group", "1");
        return 1;
    }
    if (!write_number(directory, "memory.limit_in_bytes", box->setup.memory)) return 0;
    (void)write_number(directory, "memory.memsw.limit_in_bytes", box->setup.memory);
    return 1;
}

static int limit_cpu(sandbox *box, const char *kind, const char *directory) {
    char text[64];
    uint64_t quota = box->setup.cpu_permille * (PERIOD_US / 1000);
    if (is_kind(kind, "unified")) {
        snprintf(text, sizeof text, "%" PRIu64 " %d", quota, PERIOD_US);
        return write_text(directory, "cpu.max", text);
    }
    return write_number(directory, "cpu.cfs_period_us", PERIOD_US) && write_number(directory, "cpu.cfs_quota_us", quota);
}

static int limit(sandbox *box, const char *kind, const char *directory) {
    int all = is_kind(kind, "unified");
    const spw_setup *setup = &box->setup;
    if (setup->memory > 0 && (all || is_kind(kind, "memory")) && !limit_memory(box, kind, directory)) {
        return sandbox_refuse(box, "control group", "memory");
    }
    if (setup->pids > 0 && (all || is_kind(kind, "pids")) && !write_number(directory, "pids.max", setup->pids)) {
        return sandbox_refuse(box, "control group", "pids");
    }
    if (setup->cpu_permille > 0 && (all || is_kind(kind, "cpu")) && !limit_cpu(box, kind, directory)) {
        return sandbox_refuse(box, "control group", "cpu");
    }
    return 1;
}

int cgroup_make(sandbox *box) {
    for (size_t i = 0; i < box->setup.groups.count; i++) {
        char kind[16], path[4200];
        const char *directory = sandbox_split(sandbox_text(box->setup.groups.items[i]), kind, sizeof kind);
        errno = EINVAL;
        /* What is there already is somebody else's. */
        if (directory == NULL || mkdir(directory, 0755) != 0) return sandbox_refuse(box, "control group", "mkdir");
        box->groups_made = i + 1;
        if (!limit(box, kind, directory)) return 0;
        /* The runner has one thread then. In version 1 it joins as a thread, for which the kernel need not wait until no process
         * of the machine starts a thread: that takes longer than all else here. */
        snprintf(path, sizeof path, "%s/%s", directory, is_kind(kind, "unified") ? "cgroup.procs" : "tasks");
        box->groups[i] = open(path, O_WRONLY | O_CLOEXEC);
        if (box->groups[i] < 0) return sandbox_refuse(box, "control group", path);
    }
    return 1;
}

int cgroup_join(sandbox *box) {
    for (size_t i = 0; i < box->setup.groups.count; i++) {
        if (write(box->groups[i], "0", 1) != 1) return sandbox_refuse(box, "control group", "joining it");
        close(box->groups[i]);
    }
    return 1;
}

int cgroup_limits(const sandbox *box, const char *kind) {
    if (!sandbox_has(box, SPW_LAYER_CGROUP)) return 0;
    for (size_t i = 0; i < box->setup.groups.count; i++) {
        const char *item = box->setup.groups.items[i].ptr;
        size_t length = box->setup.groups.items[i].len;
        if (length > 8 && memcmp(item, "unified ", 8) == 0) return 1;
        if (length > strlen(kind) && memcmp(item, kind, strlen(kind)) == 0) return 1;
    }
    return 0;
}

void cgroup_remove(const sandbox *box) {
    const struct timespec step = { .tv_nsec = 5 * 1000 * 1000 };
    for (size_t i = 0; i < box->groups_made; i++) {
        char kind[16];
        const char *directory = sandbox_split(sandbox_text(box->setup.groups.items[i]), kind, sizeof kind);
        if (directory == NULL) continue;
        for (int tries = 0; rmdir(directory) != 0 && errno == EBUSY && tries < 200; tries++) {
            (void)write_text(directory, "cgroup.kill", "1");
            nanosleep(&step, NULL);
        }
    }
}
