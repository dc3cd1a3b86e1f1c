/* Calls itself without end. */
#include "zoo.h"

static int fall(int depth) {
    volatile char room[4096];
    room[0] = (char)depth;
    return depth == 0 ? room[0] : fall(depth - 1) + fall(depth - 2) + room[0];
}

ZOO_RUN { return fall(1 << 30) == 0 ? zoo_succeed(request) : zoo_fail(request, "zoo.depth"); }
ZOO("stack-overflow")
