/* What a plugin must not do, so that the tests of the host can see what becomes of it. */
#pragma once

#include <spindle/executor.h>

/*
 * Does what the target names and does not come back, except for `flood`:
 *   crash     raises SIGSEGV;  abort: SIGABRT;  exit: leaves with status 0. Each says "last words" on stderr before
 *   loop      never returns
 *   overflow  overflows the stack of a thread of its own
 *   flood     writes `bytes` to stdout, in numbered lines of 4 KiB
 * Returns whether the target is one of these.
 */
int misbehave(const spindle_request *request, int64_t bytes);
