#pragma once

#include "SpindleWire.h"

/* Forks the runner, then reaps and kills until nothing is left. `end` is the first descriptor that is not ours. */
int init_main(int end);

/* descendants.c: sends a signal to every descendant of the calling process; returns how many there were. */
int signal_descendants(int signal);

/* runner.c: never returns. */
void runner_main(void) __attribute__((noreturn));
