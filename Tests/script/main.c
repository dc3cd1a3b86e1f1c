/* tests PLUGIN SCRATCH quick|normal|long. The parent plays the worker's init: it adopts and reaps what programs leave
 * behind, as it would in a worker, and ends it at the end. */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char scratch[PATH_MAX];

static int count_fds(void) {
    int count = 0;
    DIR *stream = opendir("/proc/self/fd");
    while (readdir(stream) != NULL) count++;
    closedir(stream);
    return count;
}

/* Children of this process, zombies included. */
static int count_children(void) {
    int count = 0;
    struct dirent *entry;
    DIR *stream = opendir("/proc");
    while ((entry = readdir(stream)) != NULL) {
        char path[300], text[512], *end;
        FILE *file;
        int parent = 0;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        file = fopen(path, "re");
        if (file == NULL) continue;
        end = fgets(text, sizeof text, file) == NULL ? NULL : strrchr(text, ')');
        if (end != NULL && sscanf(end, ") %*c %d", &parent) == 1 && parent == getpid()) {
            count++;
            fprintf(stderr, "child left: %s", text);
        }
        fclose(file);
    }
    closedir(stream);
    return count;
}

static int count_private(void) {
    int count = 0;
    char path[PATH_MAX + 10];
    DIR *stream;
    snprintf(path, sizeof path, "%s/private", scratch);
    stream = opendir(path);
    while (readdir(stream) != NULL) count++;
    closedir(stream);
    return count - 2;
}

/* What the sudden death left: nobody was there to remove it. */
static void remove_private(void) {
    char command[PATH_MAX + 40];
    snprintf(command, sizeof command, "rm -rf '%s/private/'*", scratch);
    if (system(command) != 0) fprintf(stderr, "not removed\n");
}

static int run_tests(const char *plugin, const char *size) {
    int before, after, children, private;
    void *instance;
    bool quick = strcmp(size, "quick") == 0;
    signal(SIGPIPE, SIG_IGN); /* as a host does; programs must not inherit it */
    alarm(strcmp(size, "long") == 0 ? 1800 : 280);
    host_load(plugin);
    instance = host_create("{}");
    attempt_free(start(instance, "/bin/true", NULL)); /* threads and their fds are there from now on */
    before = count_fds();
    tests_refusals();
    tests_run();
    tests_interpreters();
    tests_limits();
    tests_reports();
    tests_artefacts();
    tests_end();
    tests_load(quick);
    if (strcmp(size, "long") == 0) for (int i = 0; i < 4; i++) tests_load(false);
    after = count_fds();
    CHECK(before == after, "%d fds before, %d after", before, after);
    children = count_children();
    CHECK(children == 0, "%d children", children);
    private = count_private();
    CHECK(private == 0, "%d private directories", private);
    tests_shutdown(instance);
    host_destroy(instance);
    after = count_fds();
    CHECK(after == before - 2, "%d fds after shutdown, %d before", after, before); /* epoll and eventfd are gone */
    printf("%d checks passed, %d failed\n", passed, failed);
    fflush(stdout);
    return failed > 0;
}

/* A worker that dies without a word takes its programs with it. Returns how many survived. */
static int sudden_death(const char *plugin) {
    int ends[2], status = 0;
    long pid = 0;
    pid_t worker;
    if (pipe(ends) != 0) return 1;
    worker = fork();
    if (worker == 0) {
        struct attempt *a;
        host_load(plugin);
        a = start(host_create("{}"), "", "Shell", "sh", "Script", "trap '' TERM HUP; echo $$; while :; do sleep 1000; done", NULL);
        while ((pid = atol(wait_for_line(a, ""))) == 0) continue;
        (void)!write(ends[1], &pid, sizeof pid);
        raise(SIGKILL);
    }
    (void)!read(ends[0], &pid, sizeof pid);
    close(ends[0]);
    close(ends[1]);
    waitpid(worker, NULL, 0);
    /* The program became ours. */
    if (pid > 0 && !wait_for_death(pid)) {
        fprintf(stderr, "the program %ld survived its worker\n", pid);
        kill((pid_t)pid, SIGKILL);
    } else if (pid > 0 && waitpid((pid_t)pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        return 0;
    }
    return 1;
}

int main(int argc, char **argv) {
    char path[PATH_MAX + 10];
    int status = 1, one;
    pid_t child, pid;
    if (argc != 4 || realpath(argv[2], scratch) == NULL) return 2;
    snprintf(path, sizeof path, "%s/private", scratch);
    if (mkdir(path, 0711) != 0 && errno != EEXIST) return 2;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    alarm(1800);
    if (sudden_death(argv[1]) != 0) return 1;
    remove_private();
    child = fork();
    if (child == 0) exit(run_tests(argv[1], argv[3]));
    while ((pid = wait(&one)) > 0 || errno == EINTR) {
        if (pid == child) {
            status = WIFEXITED(one) ? WEXITSTATUS(one) : 128 + WTERMSIG(one);
            if (WIFSIGNALED(one)) fprintf(stderr, "the tests died by signal %d\n", WTERMSIG(one));
            break; /* what is left is reaped by the system; the tests end what they start */
        }
    }
    return status;
}
