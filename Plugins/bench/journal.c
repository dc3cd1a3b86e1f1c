#include "journal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int journal_line(spindle_str path, char kind, const spindle_request *request) {
    char name[PATH_MAX];
    char line[128];
    struct timespec now;
    if (path.len == 0 || path.len >= sizeof name) return 0;
    memcpy(name, path.ptr, path.len);
    name[path.len] = 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int length = snprintf(line, sizeof line, "%c %.*s %lld %d %lld\n", kind, (int)request->execution_id.len,
                          request->execution_id.ptr, (long long)request->attempt, (int)getpid(),
                          (long long)now.tv_sec * 1000000000 + now.tv_nsec);
    if (length <= 0 || (size_t)length >= sizeof line) return 0;
    int file = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return 0;
    ssize_t written = write(file, line, (size_t)length);
    close(file);
    return written == length;
}
