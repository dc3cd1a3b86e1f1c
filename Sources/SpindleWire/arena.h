#pragma once

#include "SpindleWire.h"

/* Memory that lives until spw_arena_free, aligned for pointers; NULL when there is none. */
void *spw_arena_allocate(spw_arena *arena, size_t size);
