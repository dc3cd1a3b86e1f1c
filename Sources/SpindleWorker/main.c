/*
 * spindle-worker: two processes of one program. The one that the host starts becomes init: it never loads the plugin,
 * reaps and kills. It forks the runner, which loads the plugin and talks to the host on a socket of its own.
 *
 *     spindle-worker [--sandbox] [--files N]
 *
 * The host starts it with these descriptors (SPW_FD_*), everything else is closed:
 *     0, 1, 2  as the host likes; the runner replaces its own by /dev/null and two pipes
 *     3        init's end of a SOCK_STREAM socket pair to the host: KILL in, SPAWNED and EXITED out
 *     4        the runner's end of another one: everything else
 *     5        the plugin, a sealed memfd
 *     6        the shared page (spw_page_create)
 *     7 …      N files of instances
 * With --sandbox the first frame on the control socket is SETUP, and there is a third process: see sandbox.h.
 * Nothing secret is in the arguments or the environment. To list a plugin the host sends HELLO and DESCRIBE instead of
 * CREATE; init of the plugin is then never called. Exit status of init: 0, or 64 when it was started wrongly.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

static int usage(const char *why) {
    fprintf(stderr, "spindle-worker: %s. It is started by a Spindle host, not by hand.\n", why);
    return 64;
}

/* Nothing that the host had open may reach a plugin, and nothing here the programs that a plugin starts. */
static int keep_only(unsigned last) {
    for (int fd = SPW_FD_CONTROL; fd <= (int)last; fd++) {
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return 0;
    }
    return syscall(SYS_close_range, last + 1, ~0u, 0) == 0;
}

static void set_limits(void) {
    const struct rlimit none = { 0, 0 };
    struct rlimit files = { 4096, 4096 };
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_max < files.rlim_max) {
        files.rlim_cur = files.rlim_max = now.rlim_max;
    }
    /* Neither can fail: both only lower what is allowed. */
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv) {
    unsigned long files = 0;
    int is_sandbox = argc > 1 && strcmp(argv[1], "--sandbox") == 0;
    argc -= is_sandbox;
    argv += is_sandbox;
    if (argc == 3 && strcmp(argv[1], "--files") == 0) {
        char *end;
        files = strtoul(argv[2], &end, 10);
        if (*end != 0 || end == argv[2] || files > 1024) return usage("--files must be a number up to 1024");
    } else if (argc != 1) {
        return usage("unknown arguments");
    }
    if (!keep_only(SPW_FD_FILES - 1 + (unsigned)files)) return usage("a descriptor from 3 on is missing");
    set_limits();
    if (clearenv() != 0 || setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1) != 0 || setenv("LANG", "C.UTF-8", 1) != 0) {
        return usage("out of memory");
    }
    int end = SPW_FD_FILES + (int)files;
    return is_sandbox ? outer_main(end) : init_main(end, NULL);
}
