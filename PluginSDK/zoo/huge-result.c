/* Gives a result of 1 GiB. */
#include <sys/mman.h>

#include "zoo.h"

ZOO_RUN {
    size_t size = (size_t)1 << 30;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) return zoo_fail(request, "zoo.no-memory");
    spindle_status status = spindle_succeed(request, spindle_str_make(bytes, size), NULL);
    munmap(bytes, size);
    return status;
}
ZOO("huge-result")
