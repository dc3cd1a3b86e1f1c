/* The private directory of an attempt. */
#ifndef SCRIPT_WORKDIR_H
#define SCRIPT_WORKDIR_H

#include "text.h"

struct workdir {
    char *path; /* NULL: there is none */
    int fd;
};

int workdir_make(struct workdir *dir, const char *parent, struct problem *problem);

/* Removes it if it is empty, as it mostly is. Fast: for the thread that serves everyone. */
bool workdir_remove_empty(struct workdir *dir);

/* Removes it with all that is in it; may take long. Never follows a link. False: something stays. */
bool workdir_remove_tree(struct workdir *dir);

void workdir_free(struct workdir *dir);

#endif
