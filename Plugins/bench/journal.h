/* A file to which every attempt appends when it begins and when it ends: what the tests of durability read. */
#pragma once

#include <spindle/executor.h>

/*
 * Appends "KIND EXECUTION ATTEMPT PID NANOSECONDS\n" in one write, so that lines of many processes never mix.
 * Returns whether it worked.
 */
int journal_line(spindle_str path, char kind, const spindle_request *request);
