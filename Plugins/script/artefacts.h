/* Files that a program left for its execution. */
#ifndef SCRIPT_ARTEFACTS_H
#define SCRIPT_ARTEFACTS_H

#include "text.h"

struct artefacts {
    size_t kept, skipped;
    int32_t outcome;    /* of `failure` */
    char failure[400];  /* why not all were handed over; "" = they were */
};

struct run;

/* Hands all to the host, and waits where it has no room. On the janitor's thread, when nothing of the program runs any more. */
void artefacts_keep(struct run *run);

#endif
