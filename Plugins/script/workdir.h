/* The private directory of an attempt. */
#ifndef SCRIPT_WORKDIR_H
#define SCRIPT_WORKDIR_H

#include "user.h"

struct workdir {
    char *path; /* NULL: there is none */
    int fd;
    char script[16];      /* the file with the text that the job brought; "" = none */
    char *artefacts;      /* the path of the directory for artefacts; NULL = none */
};

#define WORKDIR_ARTEFACTS ".artefacts"

/* Made for `user`, and with a directory for artefacts if that is wanted. */
int workdir_make(struct workdir *dir, const char *parent, const struct user *user, bool artefacts, struct problem *problem);

/* Writes the text into a file of it, which is named .script and `suffix`. */
int workdir_write_script(struct workdir *dir, const struct user *user, spindle_str text, const char *suffix,
                         struct problem *problem);

/* Removes it if the program left nothing in it, as it mostly does. Fast: for the thread that serves everyone. */
bool workdir_remove_empty(struct workdir *dir);

/* Removes it with all that is in it; may take long. Never follows a link. False: something stays. */
bool workdir_remove_tree(struct workdir *dir);

void workdir_free(struct workdir *dir);

#endif
