/* Writes to address 0. */
#include "zoo.h"

static volatile int *volatile nowhere;

ZOO_RUN {
    *nowhere = 1;
    return zoo_succeed(request);
}
ZOO("segv")
