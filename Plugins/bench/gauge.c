#include "gauge.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* One table a process: every attempt of a run names the same file. */
static gauge_table *table;
static char table_name[PATH_MAX];
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static gauge_table *open_table(const char *name) {
    pthread_mutex_lock(&opening);
    if (table == NULL) {
        int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file >= 0 && ftruncate(file, sizeof(gauge_table)) == 0) {
            void *memory = mmap(NULL, sizeof(gauge_table), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            if (memory != MAP_FAILED) {
                table = memory;
                strcpy(table_name, name);
            }
        }
        if (file >= 0) close(file);
    }
    gauge_table *found = table != NULL && strcmp(table_name, name) == 0 ? table : NULL;
    pthread_mutex_unlock(&opening);
    return found;
}

static int is_alive(int32_t pid) { return pid == getpid() || kill(pid, 0) == 0 || errno == EPERM; }

static gauge_cell *take_cell(gauge_table *in, uint64_t gauges) {
    for (int index = 0; index < GAUGE_CELLS; index++) {
        gauge_cell *cell = &in->cells[index];
        int32_t owner = atomic_load(&cell->pid);
        if (owner != 0 && is_alive(owner)) continue;
        /* -1 holds the cell while its gauges are written: nobody counts it before they are right. */
        if (!atomic_compare_exchange_strong(&cell->pid, &owner, -1)) continue;
        atomic_store(&cell->gauges, gauges);
        atomic_store(&cell->pid, (int32_t)getpid());
        return cell;
    }
    return NULL;
}

gauge_cell *gauge_enter(spindle_str specification) {
    char name[PATH_MAX];
    if (specification.len == 0 || specification.len >= sizeof name) return NULL;
    memcpy(name, specification.ptr, specification.len);
    name[specification.len] = 0;
    char *list = strrchr(name, ':');
    if (list == NULL) return NULL;
    *list++ = 0;
    uint64_t gauges = 0;
    while (*list != 0) {
        char *end;
        unsigned long index = strtoul(list, &end, 10);
        if (end == list || index >= GAUGE_COUNT) return NULL;
        gauges |= (uint64_t)1 << index;
        list = *end == ',' ? end + 1 : end;
        if (*end != 0 && *end != ',') return NULL;
    }
    gauge_table *in = open_table(name);
    gauge_cell *cell = in == NULL ? NULL : take_cell(in, gauges);
    if (cell == NULL) return NULL;
    int32_t counts[GAUGE_COUNT] = {0};
    for (int index = 0; index < GAUGE_CELLS; index++) {
        int32_t owner = atomic_load(&in->cells[index].pid);
        if (owner <= 0 || !is_alive(owner)) continue;
        uint64_t set = atomic_load(&in->cells[index].gauges) & gauges;
        for (int gauge = 0; set != 0; gauge++, set >>= 1) counts[gauge] += (int32_t)(set & 1);
    }
    for (int gauge = 0; gauge < GAUGE_COUNT; gauge++) {
        int32_t highest = atomic_load(&in->highest[gauge]);
        while (counts[gauge] > highest && !atomic_compare_exchange_weak(&in->highest[gauge], &highest, counts[gauge])) {
        }
    }
    return cell;
}

void gauge_leave(gauge_cell *cell) { atomic_store(&cell->pid, 0); }
