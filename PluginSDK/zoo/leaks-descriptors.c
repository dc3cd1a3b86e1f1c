/* Leaves a hundred descriptors open with each attempt. */
#include "zoo.h"

ZOO_RUN {
    static int attempts;
    for (int i = 0; i < 100; i++) {
        if (dup(STDERR_FILENO) < 0) return zoo_fail(request, "zoo.dup");
    }
    return ++attempts > 1 ? zoo_fail(request, "zoo.leaked-before") : zoo_succeed(request);
}
ZOO("leaks-descriptors")
