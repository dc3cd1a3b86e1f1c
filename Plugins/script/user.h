/* Whom programs run as. */
#ifndef SCRIPT_USER_H
#define SCRIPT_USER_H

#include "text.h"

#include <sys/types.h>

struct user {
    bool other; /* somebody else than the worker itself */
    uid_t uid;
    gid_t gid;
};

/* "NAME", "UID", "NAME:GROUP" or "UID:GID". -1: `problem` says why, with the pointer /user. */
int user_read(struct user *user, spindle_str text, bool allow_root, struct problem *problem);

/* Becomes that user for good: no other groups, no way back by set-user-ID programs. Only system calls: it is called between
 * vfork and exec. 0 or errno. */
int user_become(const struct user *user);

#endif
