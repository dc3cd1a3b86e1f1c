/* Loses 8 MiB with each attempt. */
#include "zoo.h"

ZOO_RUN {
    static int attempts;
    static char *volatile lost;
    if ((lost = malloc(8 << 20)) == NULL) return zoo_fail(request, "zoo.no-memory");
    for (size_t i = 0; i < 8 << 20; i += 1024) lost[i] = 1;
    lost = NULL;
    return ++attempts > 1 ? zoo_fail(request, "zoo.leaked-before") : zoo_succeed(request);
}
ZOO("leaks-memory")
