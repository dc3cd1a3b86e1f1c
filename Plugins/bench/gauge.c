#include "gauge.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Each process locks a byte of its own behind the table for as long as it lives: byte PROCESS_BYTES + number. The kernel takes the
 * lock away when the last thread has stopped, also after SIGKILL, and nobody else ever gets that byte: numbers of processes come
 * again, and soon where there are few.
 */
enum { OPENING_BYTE = 1 << 20, PROCESS_BYTES };

/* One table a process: every attempt of a run names the same file. */
static gauge_table *table;
static char table_name[PATH_MAX];
static int table_file = -1;
static uint32_t own_number;
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static int file_lock(int file, int command, short type, off_t byte) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int result;
    while ((result = fcntl(file, command, &lock)) != 0 && errno == EINTR) {}
    return command == F_OFD_GETLK && result == 0 ? lock.l_type != F_UNLCK : result == 0;
}

/* The holder may have been killed anywhere: every step leaves the table in order. */
static int take_lock(gauge_table *of) {
    int result = pthread_mutex_lock(&of->lock);
    if (result == EOWNERDEAD) result = pthread_mutex_consistent(&of->lock);
    return result == 0;
}

static int make_lock(gauge_table *of) {
    pthread_mutexattr_t attributes;
    if (of->magic == GAUGE_MAGIC) return 1;
    if (of->magic != 0 || pthread_mutexattr_init(&attributes) != 0) return 0;
    int made = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
               pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
               pthread_mutex_init(&of->lock, &attributes) == 0;
    pthread_mutexattr_destroy(&attributes);
    if (made) of->magic = GAUGE_MAGIC;
    return made;
}

/* Takes a number in the table, with the byte that says that this process lives. */
static int join(gauge_table *of, int file) {
    if (!file_lock(file, F_OFD_SETLKW, F_WRLCK, OPENING_BYTE)) return 0;
    int made = make_lock(of);
    (void)file_lock(file, F_OFD_SETLK, F_UNLCK, OPENING_BYTE);
    if (!made || !take_lock(of)) return 0;
    own_number = ++of->last_process;
    int joined = file_lock(file, F_OFD_SETLK, F_WRLCK, PROCESS_BYTES + (off_t)own_number);
    pthread_mutex_unlock(&of->lock);
    return joined;
}

static gauge_table *open_table(const char *name) {
    pthread_mutex_lock(&opening);
    if (table == NULL) {
        int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        void *memory = MAP_FAILED;
        if (file >= 0 && ftruncate(file, sizeof(gauge_table)) == 0) {
            memory = mmap(NULL, sizeof(gauge_table), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        }
        if (memory != MAP_FAILED && join(memory, file)) {
            table_file = file;
            strcpy(table_name, name);
            table = memory;
        } else {
            if (memory != MAP_FAILED) munmap(memory, sizeof(gauge_table));
            if (file >= 0) close(file);
        }
    }
    gauge_table *found = table != NULL && strcmp(table_name, name) == 0 ? table : NULL;
    pthread_mutex_unlock(&opening);
    return found;
}

static int is_gone(uint32_t process) {
    return process != own_number && !file_lock(table_file, F_OFD_GETLK, F_WRLCK, PROCESS_BYTES + (off_t)process);
}

static void free_cells_of_the_dead(gauge_table *in) {
    /* All of them: one that was killed while it took a cell may not have raised `top` yet. */
    for (uint32_t index = 0; index < GAUGE_CELLS; index++) {
        if (in->cells[index].process != 0 && is_gone(in->cells[index].process)) in->cells[index].process = 0;
    }
}

static gauge_cell *take_cell(gauge_table *in, uint64_t gauges) {
    for (uint32_t index = 0; index < GAUGE_CELLS; index++) {
        gauge_cell *cell = &in->cells[index];
        if (cell->process != 0) continue;
        cell->gauges = gauges;
        if (in->top <= index) in->top = index + 1;
        cell->process = own_number;
        return cell;
    }
    return NULL;
}

/* Whether a count is higher than the highest so far; `keep` makes it that. */
static int compare_counts(gauge_table *in, uint64_t gauges, int keep) {
    int32_t counts[GAUGE_COUNT] = {0};
    int is_higher = 0;
    for (uint32_t index = 0; index < in->top; index++) {
        uint64_t set = in->cells[index].process != 0 ? in->cells[index].gauges & gauges : 0;
        for (; set != 0; set &= set - 1) counts[__builtin_ctzll(set)]++;
    }
    for (int gauge = 0; gauge < GAUGE_COUNT; gauge++) {
        if (counts[gauge] <= in->highest[gauge]) continue;
        is_higher = 1;
        if (keep) in->highest[gauge] = counts[gauge];
    }
    return is_higher;
}

/* Reads "INDEX[,INDEX…]". Returns 0 if it is malformed. */
static uint64_t parse_gauges(const char *list) {
    uint64_t gauges = 0;
    while (*list != 0) {
        char *end;
        unsigned long index = strtoul(list, &end, 10);
        if (end == list || index >= GAUGE_COUNT || (*end != 0 && *end != ',')) return 0;
        gauges |= (uint64_t)1 << index;
        list = *end == ',' ? end + 1 : end;
    }
    return gauges;
}

gauge_cell *gauge_enter(spindle_str specification) {
    char name[PATH_MAX];
    if (specification.len == 0 || specification.len >= sizeof name) return NULL;
    memcpy(name, specification.ptr, specification.len);
    name[specification.len] = 0;
    char *list = strrchr(name, ':');
    if (list == NULL) return NULL;
    *list++ = 0;
    uint64_t gauges = parse_gauges(list);
    gauge_table *in = gauges != 0 ? open_table(name) : NULL;
    if (in == NULL || !take_lock(in)) return NULL;
    gauge_cell *cell = take_cell(in, gauges);
    if (cell == NULL) {
        free_cells_of_the_dead(in);
        cell = take_cell(in, gauges);
    }
    /* Asking the kernel who lives is dear: only where the dead could make the difference. */
    if (cell != NULL && compare_counts(in, gauges, 0)) {
        free_cells_of_the_dead(in);
        (void)compare_counts(in, gauges, 1);
    }
    pthread_mutex_unlock(&in->lock);
    return cell;
}

void gauge_leave(gauge_cell *cell) {
    if (!take_lock(table)) return; /* only if the table was destroyed */
    cell->process = 0;
    while (table->top > 0 && table->cells[table->top - 1].process == 0) table->top--;
    pthread_mutex_unlock(&table->lock);
}
