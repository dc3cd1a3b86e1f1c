/*
 * Counts how many attempts run at once, in memory shared by all processes: the proof that no limit is exceeded comes from the
 * code that runs, not from the engine.
 *
 * The file holds a table of cells and of the highest counts. An attempt takes a cell with its process and its gauges, counts the
 * taken cells of each of its gauges, and gives the cell back when its code ends; each of the two in one step that no other attempt
 * sees the middle of. Cells of processes that are gone do not count, so a crash leaves no trace.
 */
#pragma once

#include <pthread.h>
#include <spindle/executor.h>
#include <stdint.h>

enum {
    GAUGE_CELLS = 512,
    GAUGE_COUNT = 64,
};

typedef struct gauge_cell {
    uint32_t process; /* number of the process whose code it is; 0 = free */
    uint32_t unused;
    uint64_t gauges; /* bit I = counted in gauge I */
} gauge_cell;

/* Tests read it up to `highest`: keep that at offset 16. */
typedef struct gauge_table {
    uint64_t magic; /* GAUGE_MAGIC once `lock` can be used */
    uint32_t last_process;
    uint32_t top; /* cells from here on are free */
    int32_t highest[GAUGE_COUNT];
    gauge_cell cells[GAUGE_CELLS];
    pthread_mutex_t lock;
} gauge_table;

#define GAUGE_MAGIC UINT64_C(0x3267756167647073) /* "spdgaug2" */

/* Enters the gauges of "FILE:INDEX[,INDEX…]"; the file is made if it is missing. NULL if that is malformed or has no room. */
gauge_cell *gauge_enter(spindle_str specification);
void gauge_leave(gauge_cell *cell);
