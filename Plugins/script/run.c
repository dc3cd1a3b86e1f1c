#include "run.h"

#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define GRACE_IF_UNKNOWN_MS INT64_C(4500)
#define DRAIN_AFTER_KILL_NS (500 * MS) /* only for a process that left the group and holds a pipe */
#define TICK_NS (20 * MS)              /* without pidfd */

int64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * MS + now.tv_nsec;
}

static int open_directory(struct run *run) {
    const char *path = run->plan.working_directory;
    if (path == NULL) {
        run->directory = run->home.fd;
        return 0;
    }
    run->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (run->directory >= 0) return 0;
    (void)problem_set(&run->problem, "script.workdir", run->plan.directory_from_job ? "/WorkingDirectory" : NULL,
                      "the working directory %.*s cannot be used: %s", shown(strlen(path)), path, strerror(errno));
    if (!run->plan.directory_from_job || errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
        run->problem.outcome = SPINDLE_RETRYABLE;
    }
    return -1;
}

/* All that the program finds when it starts. */
static int prepare(struct run *run) {
    const struct config *config = run->config;
    const spindle_request *request = run->request;
    struct plan *plan = &run->plan;
    struct problem *problem = &run->problem;
    bool artefacts = config->max_artefacts > 0 && SPINDLE_OFFERS(request->host, artefact_write);
    struct places places;
    if (plan_make(plan, config, request, problem) != 0) return -1;
    if (workdir_make(&run->home, config->temp_directory, &config->user, artefacts, problem) != 0) return -1;
    if (plan->has_body) {
        size_t len = strlen(run->home.path);
        if (workdir_write_script(&run->home, &config->user, plan->body, plan->body_suffix, problem) != 0) return -1;
        char *path = arena_alloc(&plan->arena, len + sizeof run->home.script + 1);
        if (path == NULL) return problem_memory(problem);
        (void)snprintf(path, len + sizeof run->home.script + 1, "%s/%s", run->home.path, run->home.script);
        plan->arguments[plan->body_argument] = path;
    }
    if (plan_secrets(plan, config, request, problem) != 0) return -1;
    if (!report_open(&run->report)) {
        (void)problem_set(problem, "script.spawn", NULL, "no pipe for the program: %s", strerror(errno));
        problem->outcome = SPINDLE_RETRYABLE;
        return -1;
    }
    places = (struct places){ run->home.path, run->home.artefacts, run->report.child };
    return plan_environment(plan, config, request, &places, problem) != 0 ? -1 : open_directory(run);
}

struct run *run_make(const struct config *config, const spindle_request *request, struct problem *problem) {
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        (void)problem_memory(problem);
        return NULL;
    }
    run->config = config;
    run->request = request;
    atomic_init(&run->asked_to_end, false);
    atomic_init(&run->cancel_reason, SPINDLE_CANCEL_NONE);
    atomic_init(&run->cancel_grace_ms, CANCEL_TAKEN);
    run->process = (struct spawned){ -1, -1, -1, -1, -1 };
    run->home.fd = run->directory = run->output.fd = run->errors.fd = run->report.fd = run->report.child = -1;
    run->output.name = "stdout";
    run->output.level = SPINDLE_LOG_INFO;
    run->errors.name = "stderr";
    run->errors.level = SPINDLE_LOG_WARNING;
    if (prepare(run) == 0) return run;
    *problem = run->problem;
    (void)workdir_remove_empty(&run->home);
    run_free(run);
    return NULL;
}

void run_free(struct run *run) {
    if (run->directory >= 0 && run->directory != run->home.fd) (void)close(run->directory);
    workdir_free(&run->home);
    report_free(&run->report);
    free(run->kept);
    secrets_close(&run->plan);
    arena_free(&run->plan.arena);
    free(run);
}

void run_ask_to_end(struct run *run, int reason, int64_t grace_ms) {
    atomic_store(&run->asked_to_end, true);
    atomic_store(&run->cancel_reason, reason);
    atomic_store(&run->cancel_grace_ms, grace_ms < 0 ? -1 : grace_ms);
}

/* Everything in the group. The leader is never reaped before the last call, so its number cannot mean somebody else. */
static void group_kill(struct run *run) {
    if (!run->status_lost) (void)kill(-run->process.pid, SIGKILL);
    run->killed = true;
}

/* Is the program over? It stays a zombie: see group_kill. Asks the kernel only when there is a reason to, because this is
 * called for every run after every event. */
static bool program_ended(struct run *run) {
    siginfo_t info;
    if (!run->process_event && run->process.pidfd >= 0) return false;
    run->process_event = false;
    info.si_pid = 0;
    if (waitid(P_PID, (id_t)run->process.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) return info.si_pid != 0;
    if (errno != ECHILD) return false;
    run->status_lost = true; /* the host ignores SIGCHLD or reaped what is not its own */
    return true;
}

static void finish(struct run *run) {
    int more;
    if (run->incomplete) {
        for (more = 0; more < 16 && stream_read(run, &run->output); more++) continue;
        for (more = 0; more < 16 && stream_read(run, &run->errors); more++) continue;
    }
    stream_end(run, &run->output);
    stream_end(run, &run->errors);
    report_end(run);
    supervisor_close(&run->process.input);
    supervisor_close(&run->process.pidfd);
    group_kill(run);
    if (!run->status_lost) {
        pid_t reaped;
        do {
            reaped = wait4(run->process.pid, &run->status, 0, &run->usage);
        } while (reaped < 0 && errno == EINTR);
        run->status_lost = reaped < 0;
    }
    run->done = true;
}

void run_start(struct run *run) {
    struct spawn_order order = { run->plan.program, run->plan.arguments, run->plan.environment, run->directory,
                                 run->plan.input.len > 0, run->plan.secrets, run->plan.secret_count, run->report.child,
                                 &run->config->user, &run->plan.limits };
    if (atomic_exchange(&run->cancel_grace_ms, CANCEL_TAKEN) != CANCEL_TAKEN) {
        run->told_to_end = atomic_load(&run->cancel_reason);
        run->done = true;
        return;
    }
    run->started_ns = run->heartbeat_ns = now_ns();
    if (spawn(&order, &run->process, &run->problem) != 0) {
        run->done = true;
        return;
    }
    run->started = true;
    secrets_close(&run->plan);
    report_started(&run->report);
    if (run->directory != run->home.fd) (void)close(run->directory);
    run->directory = -1;
    run->output.fd = run->process.output;
    run->errors.fd = run->process.errors;
    if (!supervisor_watch(run, run->output.fd, EVENT_OUTPUT) || !supervisor_watch(run, run->errors.fd, EVENT_ERRORS) ||
        !supervisor_watch(run, run->report.fd, EVENT_REPORT) ||
        (run->process.pidfd >= 0 && !supervisor_watch(run, run->process.pidfd, EVENT_PROCESS)) ||
        (run->process.input >= 0 && !supervisor_watch(run, run->process.input, EVENT_INPUT))) {
        (void)problem_set(&run->problem, "script.spawn", NULL, "the program cannot be watched: %s", strerror(errno));
        run->problem.outcome = SPINDLE_RETRYABLE;
        finish(run);
    }
}

static void feed(struct run *run) {
    while (run->process.input >= 0 && run->input_done < run->plan.input.len) {
        ssize_t put = write(run->process.input, run->plan.input.ptr + run->input_done,
                            run->plan.input.len - run->input_done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && errno == EAGAIN) return;
        if (put < 0) break; /* EPIPE: it does not want more, which is its right */
        run->input_done += (size_t)put;
    }
    supervisor_close(&run->process.input);
}

void run_event(struct run *run, enum event event, int64_t now) {
    bool alive = false;
    if (event == EVENT_PROCESS) run->process_event = true;
    if (event == EVENT_INPUT) feed(run);
    if (event == EVENT_OUTPUT) alive = stream_read(run, &run->output);
    if (event == EVENT_ERRORS) alive = stream_read(run, &run->errors);
    if (event == EVENT_REPORT) alive = report_read(run);
    if (alive && now - run->heartbeat_ns >= 1000 * MS && SPINDLE_OFFERS(run->request->host, heartbeat)) {
        run->heartbeat_ns = now;
        (void)run->request->host->heartbeat(run->request->ctx, run->request->handle);
    }
}

/* How long the program has between SIGTERM and SIGKILL: less than the host gives, so that the result still arrives. */
static int64_t grace_ns(const struct run *run, int64_t grace_ms) {
    if (grace_ms < 0) grace_ms = GRACE_IF_UNKNOWN_MS;
    if (grace_ms > INT64_C(86400000)) grace_ms = INT64_C(86400000);
    grace_ms -= grace_ms / 10;
    if (run->config->kill_grace_ms >= 0 && grace_ms > run->config->kill_grace_ms) grace_ms = run->config->kill_grace_ms;
    return grace_ms * MS;
}

static void take_cancel(struct run *run, int64_t grace_ms, int64_t now) {
    int64_t kill_ns;
    if (run->drain_ns != 0) {
        /* It was done already and its result stands; only what it left behind has to go. */
        group_kill(run);
        run->drain_ns = now + DRAIN_AFTER_KILL_NS;
        return;
    }
    kill_ns = now + grace_ns(run, grace_ms);
    if (run->told_to_end != SPINDLE_CANCEL_NONE) {
        if (kill_ns < run->kill_ns) run->kill_ns = kill_ns; /* a second reason may be in more of a hurry */
        return;
    }
    run->told_to_end = atomic_load(&run->cancel_reason);
    run->kill_ns = kill_ns;
    (void)kill(-run->process.pid, SIGTERM);
    (void)kill(-run->process.pid, SIGCONT); /* a stopped process would never see it */
}

void run_step(struct run *run, int64_t now) {
    int64_t grace_ms;
    if (run->done) return;
    grace_ms = atomic_exchange(&run->cancel_grace_ms, CANCEL_TAKEN);
    if (grace_ms != CANCEL_TAKEN) run->process_event = true; /* what has ended already does not count as cancelled */
    if (run->drain_ns == 0 && program_ended(run)) {
        run->ended_ns = now;
        supervisor_close(&run->process.input);
        supervisor_close(&run->process.pidfd);
        if (run->told_to_end != SPINDLE_CANCEL_NONE || run->killed) group_kill(run);
        run->drain_ns = now + (run->killed ? DRAIN_AFTER_KILL_NS : run->config->orphan_wait_ms * MS);
    }
    if (grace_ms != CANCEL_TAKEN) take_cancel(run, grace_ms, now);
    if (run->drain_ns == 0) {
        if (run->told_to_end != SPINDLE_CANCEL_NONE && !run->killed && now >= run->kill_ns) group_kill(run);
        return;
    }
    if (run->output.fd < 0 && run->errors.fd < 0) {
        finish(run);
    } else if (now >= run->drain_ns && !run->killed) {
        group_kill(run);
        run->drain_ns = now + DRAIN_AFTER_KILL_NS;
    } else if (now >= run->drain_ns) {
        run->incomplete = true;
        finish(run);
    }
}

int64_t run_next_ns(const struct run *run, int64_t now) {
    int64_t next = -1;
    if (run->drain_ns != 0) return run->drain_ns;
    if (run->told_to_end != SPINDLE_CANCEL_NONE && !run->killed) next = run->kill_ns;
    if (run->process.pidfd < 0 && (next < 0 || next > now + TICK_NS)) next = now + TICK_NS;
    return next;
}
