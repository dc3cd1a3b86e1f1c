/* Prints one line of 64 MiB, and no end of it. */
#include "zoo.h"

ZOO_RUN {
    static char block[65536];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 1024; i++) {
        if (write(STDERR_FILENO, block, sizeof block) < 0) return zoo_fail(request, "zoo.write");
    }
    return zoo_succeed(request);
}
ZOO("huge-line")
