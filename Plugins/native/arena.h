/* Memory of a job, bounded, and freed as a whole. */
#ifndef NATIVE_ARENA_H
#define NATIVE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t used;
    size_t most; /* 0 = no bound */
    const char *bound; /* whose bound that is, for messages */
    bool secret; /* holds a secret: overwritten before it is freed */
};

/* Zeroed, aligned for every type, an allocation of its own, so that the address sanitizer sees where it ends. NULL when there is
 * no memory, or when the bound is reached: then `used` is over `most`. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const void *bytes, size_t length); /* followed by NUL */
void arena_free(struct arena *arena);

#endif
