/* Computes for ever and does not listen. */
#include "zoo.h"

ZOO_RUN {
    for (volatile int spin = 1; spin;) {}
    return zoo_succeed(request);
}
ZOO("loop")
