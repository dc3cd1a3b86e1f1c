#pragma once

#include "sandbox.h"

/* Forks the runner, then reaps and kills until nothing is left. `end` is the first descriptor that is not ours; `box` is
 * what surrounds the runner, or NULL. */
int init_main(int end, sandbox *box);

/* descendants.c: sends a signal to every descendant of the calling process; returns how many there were,
 * or in a PID namespace whether there were any. */
int signal_descendants(int signal);

/* runner.c: never returns. `number`: how the host knows this process. */
void runner_main(int number) __attribute__((noreturn));
