/*
 * Counts how many attempts run at once, in memory shared by all processes: the proof that no limit is exceeded comes from the
 * code that runs, not from the engine.
 *
 * The file holds a table of cells and of the highest counts. An attempt takes a cell with its process and its gauges, then counts
 * the taken cells for each of its gauges. Cells of processes that are gone do not count, so a crash leaves no trace.
 */
#pragma once

#include <spindle/executor.h>
#include <stdatomic.h>
#include <stdint.h>

enum {
    GAUGE_CELLS = 512,
    GAUGE_COUNT = 64,
};

typedef struct gauge_cell {
    _Atomic int32_t pid;    /* 0 = free */
    _Atomic uint64_t gauges; /* bit I = counted in gauge I */
} gauge_cell;

typedef struct gauge_table {
    gauge_cell cells[GAUGE_CELLS];
    _Atomic int32_t highest[GAUGE_COUNT];
} gauge_table;

/* Enters the gauges of "FILE:INDEX[,INDEX…]"; the file is made if it is missing. NULL if that is malformed or has no room. */
gauge_cell *gauge_enter(spindle_str specification);
void gauge_leave(gauge_cell *cell);
