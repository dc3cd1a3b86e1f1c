/*
 * The sandbox: what `spindle-worker --sandbox` puts around a worker before it loads the plugin.
 *
 * Three processes. The **outer** is what the host starts: it stays where the host is, with the host's user, never runs a
 * plugin's code, removes the control groups when all is over, also when the host is gone, and carries the connections that
 * the net grant `list` allows. It forks **init**, PID 1 of the new PID namespace, which makes the other namespaces and the
 * mounts, and forks the **runner**, which gives up everything else and tries whether that holds. Whatever fails ends the
 * worker with FAILED `spindle.sandbox`: there is no half of a sandbox.
 */
#pragma once

#include <stddef.h>

#include "SpindleWire.h"

enum { SANDBOX_GROUPS = 8, SANDBOX_RELAYS = 256 };

typedef struct sandbox {
    spw_setup setup; /* checked by setup_check */
    spw_arena arena;
    spw_input input; /* where its bytes are */
    int groups[SANDBOX_GROUPS]; /* where each of setup.groups is joined */
    size_t groups_made;         /* how many of setup.groups are ours to remove */
    int old_proc;               /* /proc of the host, until the runner has read its own number; -1 = none */
    int link;                   /* init's end of a socket to the outer */
    char why[640];              /* what failed, for people */
} sandbox;

static inline int sandbox_has(const sandbox *box, uint32_t layer) { return (box->setup.layers & layer) != 0; }

/* Writes "LAYER: WHAT: the words for errno", without these if errno is 0. Returns 0. */
int sandbox_refuse(sandbox *box, const char *layer, const char *what);
/* Sends FAILED on the runner's socket. Only while nobody else writes there. */
void sandbox_report(const char *code, const char *message);
/* A C string of an item; it lives as long as the process. */
const char *sandbox_text(spw_bytes bytes);
/* Writes a text into a file that was just opened, and closes it. 0 with errno if it cannot, or could not be opened. */
int sandbox_write(int fd, const char *text);
/* The rest of an item behind its first word, which is cut off in `word`. NULL if there is none. */
const char *sandbox_split(const char *item, char *word, size_t capacity);

/* ---- All below: 1 = done, 0 = it failed and box->why says why. ------------------------------------------------------- */

/* setup.c: reads SETUP from the control socket, and nothing behind it. */
int setup_read(sandbox *box);

/* outer.c: never returns before all is over; the exit status. `end` is the first descriptor that is not ours. */
int outer_main(int end);

/* cgroup.c */
int cgroup_make(sandbox *box);
int cgroup_join(sandbox *box);
/* Whether one of the groups limits that: "memory", "pids" or "cpu". */
int cgroup_limits(const sandbox *box, const char *kind);
/* Removes them; waits a little for processes that are just ending. */
void cgroup_remove(const sandbox *box);

/* namespaces.c */
int namespaces_user(sandbox *box);
int namespaces_enter(sandbox *box);

/* relay.c. In the network namespace: listens for each relay and hands the sockets to the outer. */
int relay_listen(sandbox *box);
/* The address of relay `index`, as text. */
void relay_address(const sandbox *box, size_t index, char *text, size_t capacity);
/* In the outer: takes the sockets. */
int relay_take(sandbox *box);
/* In the outer: carries connections until `ended` (a descriptor) is readable. */
void relay_run(const sandbox *box, int ended);

/* mounts.c */
int mounts_make(sandbox *box);
/* Paths of the system that a plugin may read, NULL at the end. */
extern const char *const mounts_system[];
extern const char *const mounts_settings[];

/* limits.c, drop.c, landlock.c, seccomp.c, selftest.c: in the runner, in this order. */
int limits_set(sandbox *box);
int drop_user(sandbox *box);
int drop_privileges(sandbox *box);
int landlock_restrict(sandbox *box);
/* The ABI version of the kernel's Landlock; 0 = none. */
int landlock_version(void);
int seccomp_install(sandbox *box);
int selftest_run(sandbox *box);

/* enter.c: all that the runner does, before it loads anything. Returns its number as the host sees it; 0 = failed. */
int sandbox_enter(sandbox *box);
/* What remains to init of its rights. */
int drop_init(sandbox *box);
