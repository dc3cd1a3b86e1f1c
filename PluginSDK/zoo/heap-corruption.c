/* Writes over the heap's own notes and succeeds; its next attempt frees what lies there. */
#include "zoo.h"

ZOO_RUN {
    static size_t *block;
    if (block != NULL) free(block);
    block = malloc(4000);
    if (block == NULL) return zoo_fail(request, "zoo.no-memory");
    ((volatile size_t *)block)[-1] = 1;
    return zoo_succeed(request);
}
ZOO("heap-corruption")
