#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    size_t size;
    max_align_t data[];
};

void *arena_alloc(struct arena *arena, size_t size) {
    struct arena_block *block;
    if (size > SIZE_MAX / 2 || arena->used > SIZE_MAX / 2) return NULL;
    arena->used += size;
    if (arena->most > 0 && arena->used > arena->most) return NULL;
    block = calloc(1, sizeof *block + (size > 0 ? size : 1));
    if (block == NULL) return NULL;
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return block->data;
}

char *arena_copy(struct arena *arena, const void *bytes, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    if (copy != NULL && length > 0) memcpy(copy, bytes, length);
    return copy;
}

void arena_free(struct arena *arena) {
    struct arena_block *block = arena->blocks;
    while (block != NULL) {
        struct arena_block *next = block->next;
        if (arena->secret) explicit_bzero(block->data, block->size);
        free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->used = 0;
}
