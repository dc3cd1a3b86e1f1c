/* Reads a mapped file behind its end, as when somebody cuts it. */
#include <sys/mman.h>

#include "zoo.h"

ZOO_RUN {
    FILE *file = tmpfile();
    if (file == NULL) return zoo_fail(request, "zoo.tmpfile");
    volatile char *bytes = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
    if (bytes == MAP_FAILED) return zoo_fail(request, "zoo.mmap");
    (void)*bytes;
    return zoo_succeed(request);
}
ZOO("bus-error")
