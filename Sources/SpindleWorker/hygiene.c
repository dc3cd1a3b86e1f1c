/* What a plugin's code changes of what the whole process shares, without being asked: looked at before and after. */
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "hygiene.h"

extern char **environ;

enum { SIGNALS = 65, LIMITS = RLIM_NLIMITS, TIMERS = 3 };

struct hygiene {
    struct sigaction handlers[SIGNALS];
    sigset_t mask;
    char directory[PATH_MAX];
    mode_t umask;
    char **environment; /* copies, NULL at the end */
    char locale[512];
    int threads, descriptors;
    struct rlimit limits[LIMITS];
    struct itimerval timers[TIMERS];
    int dumpable, no_new_privs, subreaper;
};

static const char *const limit_names[LIMITS] = {
    [RLIMIT_CPU] = "CPU",         [RLIMIT_FSIZE] = "FSIZE",       [RLIMIT_DATA] = "DATA",
    [RLIMIT_STACK] = "STACK",     [RLIMIT_CORE] = "CORE",         [RLIMIT_RSS] = "RSS",
    [RLIMIT_NPROC] = "NPROC",     [RLIMIT_NOFILE] = "NOFILE",     [RLIMIT_MEMLOCK] = "MEMLOCK",
    [RLIMIT_AS] = "AS",           [RLIMIT_LOCKS] = "LOCKS",       [RLIMIT_SIGPENDING] = "SIGPENDING",
    [RLIMIT_MSGQUEUE] = "MSGQUEUE", [RLIMIT_NICE] = "NICE",       [RLIMIT_RTPRIO] = "RTPRIO",
    [RLIMIT_RTTIME] = "RTTIME",
};

static int entries_of(const char *path) {
    int count = 0;
    DIR *directory = opendir(path);
    if (directory == NULL) return 0;
    while (readdir(directory) != NULL) count++;
    closedir(directory);
    return count;
}

static char **copy_environment(void) {
    size_t count = 0;
    while (environ != NULL && environ[count] != NULL) count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) copy[i] = strdup(environ[i]);
    return copy;
}

hygiene *hygiene_look(void) {
    hygiene *seen = calloc(1, sizeof *seen);
    if (seen == NULL) return NULL;
    for (int i = 1; i < SIGNALS; i++) sigaction(i, NULL, &seen->handlers[i]); /* fails for two of glibc's own: then all is 0 */
    pthread_sigmask(SIG_SETMASK, NULL, &seen->mask);
    if (getcwd(seen->directory, sizeof seen->directory) == NULL) seen->directory[0] = 0;
    seen->umask = umask(0);
    umask(seen->umask);
    seen->environment = copy_environment();
    snprintf(seen->locale, sizeof seen->locale, "%s", setlocale(LC_ALL, NULL));
    seen->threads = entries_of("/proc/self/task");
    seen->descriptors = entries_of("/proc/self/fd");
    for (int i = 0; i < LIMITS; i++) getrlimit((__rlimit_resource_t)i, &seen->limits[i]);
    for (int i = 0; i < TIMERS; i++) getitimer((__itimer_which_t)i, &seen->timers[i]);
    seen->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    seen->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    prctl(PR_GET_CHILD_SUBREAPER, &seen->subreaper, 0, 0, 0);
    return seen;
}

void hygiene_free(hygiene *seen) {
    if (seen == NULL) return;
    for (char **entry = seen->environment; entry != NULL && *entry != NULL; entry++) free(*entry);
    free(seen->environment);
    free(seen);
}

static void add(hygiene_changes *changes, const char *kind, const char *detail) {
    char text[128];
    int length = snprintf(text, sizeof text, "%s%s%.64s", kind, detail[0] != 0 ? ":" : "", detail);
    if (length <= 0 || changes->count == HYGIENE_MAX) return;
    memcpy(changes->text[changes->count], text, (size_t)length + 1);
    changes->items[changes->count] = (spw_bytes){ changes->text[changes->count], (size_t)length };
    changes->count++;
}

static void compare_signals(const hygiene *before, const hygiene *after, hygiene_changes *changes) {
    for (int i = 1; i < SIGNALS; i++) {
        const struct sigaction *a = &before->handlers[i], *b = &after->handlers[i];
        if (a->sa_sigaction == b->sa_sigaction && a->sa_flags == b->sa_flags) continue;
        char name[32];
        const char *known = sigabbrev_np(i);
        if (known != NULL) snprintf(name, sizeof name, "SIG%s", known);
        else snprintf(name, sizeof name, "%d", i);
        add(changes, "signal", name);
    }
    for (int i = 1; i < SIGNALS; i++) {
        if (sigismember(&before->mask, i) == sigismember(&after->mask, i)) continue;
        add(changes, "signalMask", "");
        return;
    }
}

/* The entry of an environment that sets the name of another entry; NULL if there is none. */
static const char *same_name(char **environment, const char *entry) {
    size_t length = strcspn(entry, "=");
    for (; environment != NULL && *environment != NULL; environment++) {
        if (strncmp(*environment, entry, length) == 0 && (*environment)[length] == entry[length]) return *environment;
    }
    return NULL;
}

static void add_variable(hygiene_changes *changes, const char *entry) {
    char name[65];
    snprintf(name, sizeof name, "%.*s", (int)(strcspn(entry, "=") < 64 ? strcspn(entry, "=") : 64), entry);
    add(changes, "environment", name);
}

static void compare_environment(const hygiene *before, const hygiene *after, hygiene_changes *changes) {
    for (char **entry = after->environment; entry != NULL && *entry != NULL; entry++) {
        const char *old = same_name(before->environment, *entry);
        if (old == NULL || strcmp(old, *entry) != 0) add_variable(changes, *entry);
    }
    for (char **entry = before->environment; entry != NULL && *entry != NULL; entry++) {
        if (same_name(after->environment, *entry) == NULL) add_variable(changes, *entry);
    }
}

void hygiene_compare(const hygiene *before, hygiene_changes *changes) {
    hygiene *after = hygiene_look();
    char number[32];
    if (before == NULL || after == NULL) {
        hygiene_free(after);
        return;
    }
    compare_signals(before, after, changes);
    if (strcmp(before->directory, after->directory) != 0) add(changes, "directory", "");
    if (before->umask != after->umask) add(changes, "umask", "");
    compare_environment(before, after, changes);
    if (strcmp(before->locale, after->locale) != 0) add(changes, "locale", "");
    for (int i = 0; i < LIMITS; i++) {
        if (memcmp(&before->limits[i], &after->limits[i], sizeof before->limits[i]) != 0) add(changes, "limit", limit_names[i]);
    }
    for (int i = 0; i < TIMERS; i++) {
        const struct itimerval *a = &before->timers[i], *b = &after->timers[i];
        if (timerisset(&a->it_value) != timerisset(&b->it_value)) add(changes, "timer", "");
    }
    if (before->dumpable != after->dumpable) add(changes, "process", "dumpable");
    if (before->no_new_privs != after->no_new_privs) add(changes, "process", "noNewPrivileges");
    if (before->subreaper != after->subreaper) add(changes, "process", "subreaper");
    if (before->threads != after->threads) {
        snprintf(number, sizeof number, "%+d", after->threads - before->threads);
        add(changes, "threads", number);
    }
    if (before->descriptors != after->descriptors) {
        snprintf(number, sizeof number, "%+d", after->descriptors - before->descriptors);
        add(changes, "descriptors", number);
    }
    hygiene_free(after);
}

void hygiene_load(const char *path, hygiene_changes *changes) {
    /* Loaded here first: the session then finds it loaded, and its own thread is not among what changed. */
    hygiene *before = hygiene_look();
    if (dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) != NULL) hygiene_compare(before, changes);
    else (void)dlerror(); /* the session says it again */
    hygiene_free(before);
}
