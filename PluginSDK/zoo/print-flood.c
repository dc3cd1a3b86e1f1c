/* Prints 64 MiB on its standard output. */
#include "zoo.h"

ZOO_RUN {
    static char block[65536];
    for (size_t i = 0; i < sizeof block; i++) block[i] = i % 64 == 63 ? '\n' : 'x';
    for (int i = 0; i < 1024; i++) {
        if (write(STDOUT_FILENO, block, sizeof block) < 0) return zoo_fail(request, "zoo.write");
    }
    return zoo_succeed(request);
}
ZOO("print-flood")
