/*
 * The worker in its sandbox, with a plugin that tries to get out: test_sandbox WORKER PLUGIN.
 *
 * What this kernel cannot give to this user is said and left out: Docs/security.md says what a host does then.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "driver.h"
#include "spindle/executor.h"

static const char *program, *plugin;

static spw_bytes text(const char *value) { return (spw_bytes){ value, strlen(value) }; }

/* All layers that do not need a control group. */
static spw_setup whole(void) {
    const uint32_t common = SPW_LAYER_PID | SPW_LAYER_MOUNT | SPW_LAYER_NET | SPW_LAYER_IPC | SPW_LAYER_UTS | SPW_LAYER_LIMITS
                          | SPW_LAYER_CAPS | SPW_LAYER_NO_PRIVS | SPW_LAYER_MDWE | SPW_LAYER_LANDLOCK | SPW_LAYER_SECCOMP
                          | SPW_LAYER_TEST;
    return (spw_setup){
        .layers = common | (geteuid() == 0 ? SPW_LAYER_IDS : SPW_LAYER_USER),
        .uid = 60706,
        .gid = 60706,
        .file_size = 1 << 20,
        .files = 4096,
        .hostname = text("plugin"),
    };
}

/* The next READY or FAILED; 1 = READY. What failed is put into `why`. */
static int is_ready(worker *worker, char *why, size_t capacity) {
    spw_failed failed;
    spw_arena arena = { 0 };
    if (!worker_next(worker)) {
        snprintf(why, capacity, "it ended");
        return 0;
    }
    if (worker->frame.type == SPW_READY) return 1;
    if (worker->frame.type != SPW_FAILED) return 0;
    worker_message(worker, &failed, sizeof failed, &arena);
    snprintf(why, capacity, "%.*s: %.*s", (int)failed.code.len, (const char *)failed.code.ptr, (int)failed.message.len,
             (const char *)failed.message.ptr);
    spw_arena_free(&arena);
    return 0;
}

static int begin(worker *worker, const spw_setup *setup) {
    char why[1024] = "";
    worker_start_in(worker, program, plugin, setup);
    worker_hello(worker, 1, 1 << 20);
    if (!is_ready(worker, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        return CHECK(0);
    }
    worker_create(worker, 1, "escape");
    return 1;
}

static void finish(worker *worker) {
    worker_send(worker, SPW_SHUTDOWN, 0, NULL);
    CHECK(worker_end(worker) == 0);
}

/* What the plugin says of a try. */
static const char *attempt(worker *worker, const char *what, const char *name, const char *value, const char *name2,
                           const char *value2) {
    static uint64_t token = 10;
    static char answer[128];
    const spw_kv pairs[2] = { { text(name), text(value) }, { text(name2), text(value2) } };
    const spw_start start = { .instance = 1, .attempt = 1, .timeout_ms = -1, .deadline_mono_ns = -1, .target = text(what),
                              .execution_id = text("00000000-0000-7000-8000-000000000000"),
                              .attempt_id = text("00000000-0000-7000-8000-000000000001"), .type = text("escape"),
                              .parameters = { pairs, 2 } };
    spw_completed completed;
    spw_arena arena = { 0 };
    worker_send(worker, SPW_START, ++token, &start);
    if (!worker_await(worker, SPW_COMPLETED)) return "it ended";
    worker_message(worker, &completed, sizeof completed, &arena);
    snprintf(answer, sizeof answer, "%.*s", (int)completed.output.len, (const char *)completed.output.ptr);
    spw_arena_free(&arena);
    worker_await(worker, SPW_RELEASED);
    return answer;
}

static int is_reached(worker *worker, const char *what) {
    return strcmp(attempt(worker, what, "a", "", "b", ""), "reached") == 0;
}

static void test_refusals(void) {
    static const char *const tries[] = { "fork", "exec", "exec-here", "mount", "unshare", "userns", "keyctl", "root", "clone3",
                                         "io_uring", "bpf", "userfaultfd", "tiocsti", "code", "limits", "hostname", "daemon",
                                         "raw", "parent", "pair", "raw-pair", "set-user", "set-group-new" };
    const spw_setup setup = whole();
    worker worker;
    if (!begin(&worker, &setup)) return;
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        if (CHECK(!is_reached(&worker, tries[i]))) continue;
        fprintf(stderr, "  %s\n", tries[i]);
    }
    CHECK(strcmp(attempt(&worker, "write", "path", "/tmp/own", "b", ""), "reached") == 0);
    CHECK(is_reached(&worker, "stream-pair") && is_reached(&worker, "mode"));
    CHECK(strcmp(attempt(&worker, "write", "path", "/own", "b", ""), "reached") != 0);
    CHECK(strcmp(attempt(&worker, "read", "path", "/etc/shadow", "b", ""), "reached") != 0);
    CHECK(strcmp(attempt(&worker, "read", "path", "/etc/passwd", "b", ""), "reached") == 0);
    finish(&worker);
}

/* A connection to a name goes where the host said, and nowhere else. */
static void test_relay(void) {
    char relay[128], again[128], port[16];
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 8) == 0)) return;
    getsockname(listener, (struct sockaddr *)&address, &length);
    snprintf(port, sizeof port, "%u", ntohs(address.sin_port));
    pid_t echo = fork();
    if (echo == 0) {
        for (;;) {
            char bytes[64];
            int fd = accept(listener, NULL, NULL);
            ssize_t got = read(fd, bytes, sizeof bytes);
            if (got > 0) (void)!write(fd, bytes, (size_t)got);
            close(fd);
        }
    }
    close(listener);
    spw_setup setup = whole();
    snprintf(relay, sizeof relay, "granted.example %s 127.0.0.1", port);
    snprintf(again, sizeof again, "again.example %s 127.0.0.1", port);
    /* Addresses that nobody has: that they can be listened at is what counts. The second name leads to the same place. */
    const spw_bytes items[] = { text(relay), text(again), text("far.example 443 192.0.2.7"), text("far.example 80 192.0.2.7"),
                                text("six.example 443 2001:db8::7") };
    setup.net = SPW_NET_LIST;
    setup.relays = (spw_list){ items, 5 };
    worker worker;
    if (begin(&worker, &setup)) {
        for (int i = 0; i < 20; i++) {
            CHECK(strcmp(attempt(&worker, "name", "name", "granted.example", "port", port), "reached") == 0);
        }
        CHECK(strcmp(attempt(&worker, "name", "name", "again.example", "port", port), "reached") == 0);
        CHECK(strcmp(attempt(&worker, "name", "name", "other.example", "port", port), "reached") != 0);
        CHECK(strcmp(attempt(&worker, "name", "name", "granted.example", "port", "9"), "reached") != 0);
        CHECK(strcmp(attempt(&worker, "tcp", "port", "9", "b", ""), "reached") != 0);
        CHECK(strcmp(attempt(&worker, "raw", "b", "", "c", ""), "reached") != 0);
        finish(&worker);
    }
    kill(echo, SIGKILL);
    waitpid(echo, NULL, 0);
}

static void test_grants(void) {
    char directory[] = "/tmp/spindle-sandbox-XXXXXX", reads[64], writes[64], file[96];
    if (!CHECK(mkdtemp(directory) != NULL)) return;
    chmod(directory, 0755);
    snprintf(reads, sizeof reads, "%s/reads", directory);
    snprintf(writes, sizeof writes, "%s/writes", directory);
    CHECK(mkdir(reads, 0755) == 0 && mkdir(writes, 0777) == 0 && chmod(writes, 0777) == 0);
    snprintf(file, sizeof file, "%s/file", reads);
    FILE *made = fopen(file, "w");
    fputs("x", made);
    fclose(made);
    chmod(file, 0644);
    spw_setup setup = whole();
    const spw_bytes read_item = text(reads), write_item = text(writes);
    setup.reads = (spw_list){ &read_item, 1 };
    setup.writes = (spw_list){ &write_item, 1 };
    worker worker;
    if (begin(&worker, &setup)) {
        CHECK(strcmp(attempt(&worker, "read", "path", file, "b", ""), "reached") == 0);
        CHECK(strcmp(attempt(&worker, "write", "path", file, "b", ""), "reached") != 0);
        snprintf(file, sizeof file, "%s/new", reads);
        CHECK(strcmp(attempt(&worker, "write", "path", file, "b", ""), "reached") != 0);
        snprintf(file, sizeof file, "%s/new", writes);
        CHECK(strcmp(attempt(&worker, "write", "path", file, "b", ""), "reached") == 0);
        CHECK(strcmp(attempt(&worker, "fill", "path", file, "b", ""), "EFBIG") == 0);
        CHECK(strcmp(attempt(&worker, "list", "path", "/var", "b", ""), "reached") != 0);
        finish(&worker);
    }
    unlink(file);
    snprintf(file, sizeof file, "%s/file", reads);
    unlink(file);
    /* A link in the place of a grant: who may write there must not choose what the next one sees. */
    rmdir(reads);
    CHECK(symlink("/etc", reads) == 0);
    setup.writes = (spw_list){ 0 };
    char why[1024] = "";
    worker_start_in(&worker, program, plugin, &setup);
    worker_hello(&worker, 1, 1 << 20);
    CHECK(!is_ready(&worker, why, sizeof why) && strstr(why, "spindle.sandbox: mount namespace: ") == why);
    worker_end(&worker);
    unlink(reads);
    rmdir(writes);
    rmdir(directory);
}

/* A group for processes where there is one of version 1 that we may use, as "KIND DIRECTORY"; 0 = none. */
static int find_group(char *item, size_t capacity) {
    snprintf(item, capacity, "pids /sys/fs/cgroup/pids/spindle-test-%d", (int)getpid());
    const char *directory = strchr(item, ' ') + 1;
    return mkdir(directory, 0755) == 0 && rmdir(directory) == 0;
}

/* A library is a file, and a link to it that is made again; what lies beside them is not there. */
static void test_libraries(void) {
    char directory[] = "/var/tmp/spindle-sandbox-XXXXXX", file[96], link[96], secret[96];
    if (!CHECK(mkdtemp(directory) != NULL)) return;
    chmod(directory, 0755);
    snprintf(file, sizeof file, "%s/libone.so.1", directory);
    snprintf(link, sizeof link, "%s/libone.so", directory);
    snprintf(secret, sizeof secret, "%s/secret", directory);
    FILE *made = fopen(file, "w");
    fclose(made);
    made = fopen(secret, "w");
    fclose(made);
    CHECK(symlink("libone.so.1", link) == 0 && chmod(file, 0644) == 0 && chmod(secret, 0644) == 0);
    spw_setup setup = whole();
    const spw_bytes items[] = { text(file), text(link), text("/var/tmp/spindle-sandbox-absent.so") };
    setup.libraries = (spw_list){ items, 3 };
    worker worker;
    if (begin(&worker, &setup)) {
        CHECK(strcmp(attempt(&worker, "read", "path", file, "b", ""), "reached") == 0);
        CHECK(strcmp(attempt(&worker, "read", "path", link, "b", ""), "reached") == 0);
        CHECK(strcmp(attempt(&worker, "write", "path", file, "b", ""), "reached") != 0);
        CHECK(strcmp(attempt(&worker, "read", "path", secret, "b", ""), "ENOENT") == 0);
        CHECK(strcmp(attempt(&worker, "list", "path", directory, "b", ""), "reached") != 0);
        finish(&worker);
    }
    unlink(file);
    unlink(link);
    unlink(secret);
    rmdir(directory);
}

/* A link within an earlier grant, in the place where a later one is to be mounted. */
static void test_nested_grants(void) {
    char directory[] = "/var/tmp/spindle-sandbox-XXXXXX", inner[64], away[64], bait[96];
    if (!CHECK(mkdtemp(directory) != NULL)) return;
    chmod(directory, 0755);
    snprintf(inner, sizeof inner, "%s/inner", directory);
    snprintf(away, sizeof away, "%s/away", directory);
    snprintf(bait, sizeof bait, "%s/inner/file", directory);
    CHECK(mkdir(inner, 0777) == 0 && symlink(inner, away) == 0);
    spw_setup setup = whole();
    const spw_bytes outer = text(directory), target = text(inner);
    setup.reads = (spw_list){ &outer, 1 };
    setup.writes = (spw_list){ &target, 1 };
    chmod(inner, 0777);
    worker worker;
    if (begin(&worker, &setup)) {
        CHECK(strcmp(attempt(&worker, "write", "path", bait, "b", ""), "reached") == 0);
        finish(&worker);
    }
    unlink(bait);
    const spw_bytes by_link = text(away);
    setup.writes = (spw_list){ &by_link, 1 };
    char why[1024] = "";
    worker_start_in(&worker, program, plugin, &setup);
    worker_hello(&worker, 1, 1 << 20);
    CHECK(!is_ready(&worker, why, sizeof why) && strstr(why, "spindle.sandbox: mount namespace: ") == why);
    worker_end(&worker);
    unlink(away);
    rmdir(inner);
    rmdir(directory);
}

/* As a service with RestrictSUIDSGID=: the kernel seems to have no openat2, whose arguments a filter cannot see. */
static void test_without_openat2(void) {
    struct sock_filter steps[] = {
        { BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 /* the number of the call */ },
        { BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_openat2 },
        { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS },
        { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
    };
    const struct sock_fprog filter = { sizeof steps / sizeof steps[0], steps };
    pid_t host = fork();
    if (host == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) _exit(2);
        if (syscall(SYS_openat2, -1, "", NULL, 0) == 0 || errno != ENOSYS) _exit(3);
        const spw_bytes grant = text("/var");
        spw_setup setup = whole();
        char why[1024] = "";
        setup.reads = (spw_list){ &grant, 1 };
        setup.layers |= SPW_LAYER_TRY;
        worker worker;
        worker_start_in(&worker, program, plugin, &setup);
        is_ready(&worker, why, sizeof why);
        worker_end(&worker);
        if (strstr(why, "spindle.tried: ") == why) _exit(0);
        fprintf(stderr, "%s\n", why);
        _exit(1);
    }
    int status = -1;
    waitpid(host, &status, 0);
    CHECK(status == 0);
}

/* A group that is there already belongs to somebody else: no worker is started, and it stays. */
static void test_foreign_group(void) {
    char group[128], why[1024] = "";
    if (!find_group(group, sizeof group)) return;
    const char *directory = strchr(group, ' ') + 1;
    const spw_bytes item = text(group);
    spw_setup setup = whole();
    setup.layers |= SPW_LAYER_CGROUP;
    setup.groups = (spw_list){ &item, 1 };
    setup.pids = 64;
    CHECK(mkdir(directory, 0755) == 0);
    worker worker;
    worker_start_in(&worker, program, plugin, &setup);
    CHECK(!is_ready(&worker, why, sizeof why) && strstr(why, "spindle.sandbox: control group: mkdir: File exists") == why);
    worker_end(&worker);
    CHECK(rmdir(directory) == 0);
}

/* Whatever the host sends in the place of SETUP, the worker ends. */
static void test_hostile_setup(void) {
    static const struct {
        uint32_t layers;
        const char *path;
    } bad[] = { { 1u << 31, "/usr/share" }, { 0, "relative" }, { 0, "/" }, { 0, "/a/../b" }, { 0, "/a//b" }, { 0, "/a/" },
              { 0, "/.host" }, { 0, "/.host/etc" } };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char why[1024] = "";
        spw_setup setup = whole();
        const spw_bytes item = text(bad[i].path);
        setup.layers |= bad[i].layers;
        setup.reads = (spw_list){ &item, 1 };
        worker worker;
        worker_start_in(&worker, program, plugin, &setup);
        CHECK(!is_ready(&worker, why, sizeof why) && strstr(why, "spindle.sandbox: set-up: ") == why);
        worker_end(&worker);
    }
}

static int is_alive(pid_t pid) { return kill(pid, 0) == 0 || errno == EPERM; }

static int ends_soon(pid_t pid) {
    const struct timespec step = { .tv_nsec = 5 * 1000 * 1000 };
    /* Orphans come to us: the first process of this machine may be slow to see that they have ended. */
    for (int i = 0; i < 6000 && is_alive(pid); i++) {
        nanosleep(&step, NULL);
        while (waitpid(-1, NULL, WNOHANG) > 0) {}
    }
    return !is_alive(pid);
}

/* The host is killed: nothing of the worker stays, not even what left its session, nor its control group. */
static void test_host_is_killed(void) {
    int told[2];
    pid_t pids[2] = { 0, 0 };
    char group[128];
    int has_group = find_group(group, sizeof group);
    const spw_bytes group_item = text(group);
    if (!has_group) printf("left out: control groups\n");
    if (!CHECK(pipe(told) == 0)) return;
    pid_t host = fork();
    if (host == 0) {
        spw_ready ready;
        spw_arena arena = { 0 };
        spw_setup setup = whole();
        setup.allows = SPW_ALLOW_EXEC;
        setup.layers &= ~(uint32_t)SPW_LAYER_MDWE;
        if (has_group) {
            setup.layers |= SPW_LAYER_CGROUP;
            setup.groups = (spw_list){ &group_item, 1 };
            setup.pids = 64;
        }
        worker worker;
        worker_start_in(&worker, program, plugin, &setup);
        worker_hello(&worker, 1, 1 << 20);
        if (!worker_await(&worker, SPW_READY)) _exit(1);
        worker_message(&worker, &ready, sizeof ready, &arena);
        pids[0] = worker.pid;
        pids[1] = (pid_t)ready.pid;
        worker_create(&worker, 1, "escape");
        if (strcmp(attempt(&worker, "daemon", "a", "", "b", ""), "reached") != 0) _exit(1);
        if (write(told[1], pids, sizeof pids) != sizeof pids) _exit(1);
        for (;;) pause();
    }
    close(told[1]);
    CHECK(read(told[0], pids, sizeof pids) == sizeof pids);
    close(told[0]);
    const char *directory = strchr(group, ' ') + 1;
    CHECK(access(directory, F_OK) == 0 || !has_group);
    kill(host, SIGKILL);
    waitpid(host, NULL, 0);
    if (CHECK(pids[0] > 1 && pids[1] > 1)) CHECK(ends_soon(pids[0]) && ends_soon(pids[1]));
    CHECK(access(directory, F_OK) != 0);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    program = argv[1];
    plugin = argv[2];
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    spw_setup setup = whole();
    char why[1024] = "";
    worker worker;
    setup.layers |= SPW_LAYER_TRY;
    worker_start_in(&worker, program, plugin, &setup);
    is_ready(&worker, why, sizeof why);
    worker_end(&worker);
    test_hostile_setup();
    if (strstr(why, "spindle.tried: ") != why) {
        printf("left out, because user %u has no sandbox here: %s\n", (unsigned)geteuid(), why);
        return checks_closed();
    }
    test_refusals();
    test_grants();
    test_libraries();
    test_nested_grants();
    test_without_openat2();
    test_foreign_group();
    test_relay();
    test_host_is_killed();
    return checks_closed();
}
