#include "run.h"

#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool report_open(struct report *report) {
    int fds[2];
    if (make_pipe(fds) != 0) {
        int error = errno;
        if (fds[0] >= 0) (void)close(fds[0]);
        if (fds[1] >= 0) (void)close(fds[1]);
        errno = error;
        return false;
    }
    report->fd = fds[0];
    report->child = fds[1];
    (void)fcntl(report->fd, F_SETFL, O_NONBLOCK);
    return true;
}

void report_started(struct report *report) {
    if (report->child >= 0) (void)close(report->child);
    report->child = -1;
}

void report_free(struct report *report) {
    report_started(report);
    if (report->fd >= 0) (void)close(report->fd);
    report->fd = -1;
    free(report->line);
    free(report->result);
}

/* Each is a line of the log, the first one also the failure of an attempt that would be a success. */
void report_bad(struct run *run, const char *format, ...) {
    const spindle_request *request = run->request;
    char message[sizeof run->report.first_bad + 20] = "report: ";
    size_t before = strlen(message);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message + before, sizeof run->report.first_bad, format, arguments);
    va_end(arguments);
    if (run->report.bad_lines++ == 0) {
        (void)snprintf(run->report.first_bad, sizeof run->report.first_bad, "%s", message + before);
    }
    if (run->report.bad_lines <= 100) spindle_log(request, SPINDLE_LOG_WARNING, message);
}

static bool grow(struct report *report, size_t wanted) {
    size_t size = report->line_size < 4096 ? 4096 : report->line_size;
    char *larger;
    while (size < wanted) size *= 2;
    if (size == report->line_size) return true;
    larger = realloc(report->line, size);
    if (larger == NULL) return false;
    report->line = larger;
    report->line_size = size;
    return true;
}

static void add(struct run *run, const char *data, size_t len) {
    struct report *report = &run->report;
    if (report->skipping || len == 0) return;
    if (report->line_len + len > REPORT_LINE_BYTES || !grow(report, report->line_len + len)) {
        report_bad(run, "a line is over %zu bytes; leave large results in SPINDLE_ARTEFACTS", REPORT_LINE_BYTES);
        report->skipping = true;
        report->line_len = 0;
        return;
    }
    memcpy(report->line + report->line_len, data, len);
    report->line_len += len;
}

static void end_line(struct run *run) {
    struct report *report = &run->report;
    if (!report->skipping) report_line(run, report->line, report->line_len);
    report->skipping = false;
    report->line_len = 0;
}

bool report_read(struct run *run) {
    static char buffer[65536]; /* one thread reads for all */
    const char *at = buffer;
    ssize_t got;
    if (run->report.fd < 0) return false;
    do {
        got = read(run->report.fd, buffer, sizeof buffer);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) {
        supervisor_close(&run->report.fd);
        return false;
    }
    while (got > 0) {
        const char *newline = memchr(at, '\n', (size_t)got);
        size_t len = newline == NULL ? (size_t)got : (size_t)(newline - at);
        add(run, at, len);
        if (newline == NULL) break;
        end_line(run);
        at = newline + 1;
        got -= (ssize_t)len + 1;
    }
    return true;
}

void report_end(struct run *run) {
    int more;
    /* What the program wrote is in the pipe; bounded, because a process that got away could go on writing for ever. */
    for (more = 0; more < 64 && report_read(run); more++) continue;
    if (run->report.line_len > 0) end_line(run);
    supervisor_close(&run->report.fd);
}
