/* Where a result set goes: into the output, or, from some size on, into an artefact of its own. */
#ifndef SQL_SINK_H
#define SQL_SINK_H

#include "run.h"

/* Most of the results that stay in the output; the rest is for what comes out of parameters and for names. */
#define INLINE_BYTES (700 * 1024)

struct sink {
    struct run *run;
    size_t begin;      /* of this set in the run's results */
    bool spilled;
    struct text chunk; /* what the artefact gets next */
    int64_t rows;
    char name[40];     /* of the artefact */
    bool failed;       /* the run's problem says why, or it shall end */
};

void sink_open(struct sink *sink, struct run *run);
void sink_add(struct sink *sink, const char *bytes, size_t length);
/* Begins a row; from one more than the row limit on, all of them are in the artefact. */
void sink_row(struct sink *sink);
/* Ends the set. In its place in the results stands where it is, if it is in an artefact. */
void sink_close(struct sink *sink);

#endif
