/* The one thread that drives the programs of all instances, and the one that tidies up after them. */
#ifndef SCRIPT_SUPERVISOR_H
#define SCRIPT_SUPERVISOR_H

#include "run.h"

#include <pthread.h>

/* Hands a run over, starting the threads if this is the first one. -1: `problem` says why; the run is still the caller's. */
int supervisor_submit(struct run *run, struct problem *problem);

/* Says that some run has a letter in its box. Any thread, never blocks. */
void supervisor_wake_for_cancel(void);

/* Ends all programs, completes their attempts and joins both threads. */
void supervisor_stop(void);

/* On the supervisor's thread: run_event is called for `fd` from now on. */
bool supervisor_watch(struct run *run, int fd, enum event event);
/* Closes *fd and sets it to -1. First out of the epoll set by name: a copy of it in a process that somebody is forking
 * just now would keep it in there, and with it a pointer to a run that is gone. */
void supervisor_close(int *fd);

/* janitor.c: hands over the artefacts of a run that is over, removes its private directory, then sends its result. */
int janitor_start(void);
void janitor_take(struct run *run);
void janitor_stop(void);
/* On the janitor's thread: waits until the host may take artefacts again. False: it shall not wait, because of a cancel. */
bool janitor_wait_for_room(struct run *run);
void janitor_has_room(struct run *run); /* any thread, never long */
void janitor_look_up(void);             /* any thread: there may be a cancel */

/* A thread with the signals blocked that belong to the process; faults keep reaching the host's handlers. */
int start_thread(pthread_t *thread, const char *name, void *(*body)(void *));

#endif
