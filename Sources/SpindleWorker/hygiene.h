/* What a plugin's code changes of what the whole process shares (hygiene.c). On one thread. */
#pragma once

#include "SpindleSession.h"

enum { HYGIENE_MAX = 128 };

/* Texts such as "signal:SIGSEGV", "umask", "environment:PATH", "threads:+1". Zero it first. */
typedef struct hygiene_changes {
    char text[HYGIENE_MAX][128];
    spw_bytes items[HYGIENE_MAX];
    size_t count;
} hygiene_changes;

typedef struct hygiene hygiene;

/* How things are now; NULL without memory. */
hygiene *hygiene_look(void);
void hygiene_free(hygiene *seen);
/* Adds what is otherwise than it was; at most HYGIENE_MAX together. */
void hygiene_compare(const hygiene *before, hygiene_changes *changes);
/* Loads a library, and adds what that has changed. */
void hygiene_load(const char *path, hygiene_changes *changes);
