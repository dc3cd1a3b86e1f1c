/* Writes over the heap's own notes and succeeds; its next attempt frees what lies there. */
#include "zoo.h"

enum { SIZE = 100000 };

ZOO_RUN {
    static char *before, *block, *after;
    if (block != NULL) free(block);
    /* Between two that stay: nobody else's blocks lie beside it, so that nothing is noticed before it is freed. */
    before = malloc(SIZE);
    block = malloc(SIZE);
    after = malloc(SIZE);
    if (before == NULL || block == NULL || after == NULL) return zoo_fail(request, "zoo.no-memory");
    ((volatile size_t *)(void *)block)[-1] = 1;
    return zoo_succeed(request);
}
ZOO("heap-corruption")
