/* Every process below this one, whatever group, session or parent it gave itself: orphans come to a subreaper. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init.h"

typedef struct process {
    pid_t pid;
    pid_t parent;
    int ours;
} process;

/* The parent in /proc/PID/stat; the name before it may hold anything, so it is looked for behind the last ')'. */
static pid_t parent_of(pid_t pid) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1; /* it is gone */
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0) return -1;
    text[length] = 0;
    const char *behind = strrchr(text, ')');
    char state;
    int parent;
    return behind != NULL && sscanf(behind + 1, " %c %d", &state, &parent) == 2 && state != 'Z' ? parent : -1;
}

static size_t list_processes(process **list) {
    size_t count = 0, capacity = 0;
    struct dirent *entry;
    DIR *directory = opendir("/proc");
    *list = NULL;
    if (directory == NULL) return 0;
    while ((entry = readdir(directory)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0) continue;
        if (count == capacity) {
            process *larger = realloc(*list, (capacity = capacity * 2 + 256) * sizeof **list);
            if (larger == NULL) break;
            *list = larger;
        }
        pid_t parent = parent_of(pid);
        if (parent > 0) (*list)[count++] = (process){ pid, parent, parent == getpid() };
    }
    closedir(directory);
    return count;
}

/* Marks what has a marked parent, until nothing changes. */
static void mark_descendants(process *list, size_t count) {
    for (int changed = 1; changed;) {
        changed = 0;
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < count && !list[i].ours; k++) {
                if (list[k].ours && list[k].pid == list[i].parent) list[i].ours = changed = 1;
            }
        }
    }
}

int signal_descendants(int signal) {
    /* The first of a PID namespace: all in it are ours, and /proc may be another one's. */
    if (getpid() == 1) return kill(-1, signal) == 0;
    process *list;
    size_t count = list_processes(&list);
    int sent = 0;
    mark_descendants(list, count);
    for (size_t i = 0; i < count; i++) {
        /* A pid cannot have been reused: its process is reaped by us or by a descendant, and then it was not ours. */
        if (list[i].ours && kill(list[i].pid, signal) == 0) sent++;
    }
    free(list);
    return sent;
}
