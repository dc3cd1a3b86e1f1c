#include "user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ERROR_CODE "script.config"
#define POINTER "/user"

/* True: the text is a number, and it fits. */
static bool read_number(const char *text, unsigned *number) {
    uint64_t value = 0;
    size_t i;
    for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 10; i++) value = value * 10 + (uint64_t)(text[i] - '0');
    *number = (unsigned)value;
    return i > 0 && text[i] == 0 && value < UINT32_MAX; /* the largest means "leave it" to the kernel */
}

static int find_user(struct user *user, const char *name, bool needs_group, struct problem *problem) {
    struct passwd entry, *found = NULL;
    char buffer[16384];
    unsigned number = 0;
    bool is_number = read_number(name, &number);
    int error = is_number ? getpwuid_r((uid_t)number, &entry, buffer, sizeof buffer, &found)
                          : getpwnam_r(name, &entry, buffer, sizeof buffer, &found);
    if (found != NULL) {
        user->uid = found->pw_uid;
        user->gid = found->pw_gid;
        return 0;
    }
    if (is_number && !needs_group) {
        user->uid = (uid_t)number;
        return 0;
    }
    if (is_number) {
        return problem_set(problem, ERROR_CODE, POINTER, "user %s has no entry that names its group: write \"%s:GID\"", name, name);
    }
    return problem_set(problem, ERROR_CODE, POINTER, "there is no user \"%s\"%s%s", name, error == 0 ? "" : ": ",
                       error == 0 ? "" : strerror(error));
}

static int find_group(struct user *user, const char *name, struct problem *problem) {
    struct group entry, *found = NULL;
    char buffer[65536];
    unsigned number = 0;
    if (read_number(name, &number)) {
        user->gid = (gid_t)number;
        return 0;
    }
    (void)getgrnam_r(name, &entry, buffer, sizeof buffer, &found);
    if (found == NULL) return problem_set(problem, ERROR_CODE, POINTER, "there is no group \"%s\"", name);
    user->gid = found->gr_gid;
    return 0;
}

int user_read(struct user *user, spindle_str text, bool allow_root, struct problem *problem) {
    char name[128];
    char *group;
    if (text.len == 0 || text.len >= sizeof name || str_holds_nul(text)) {
        return problem_set(problem, ERROR_CODE, POINTER, "\"user\" must be a name or a number, or USER:GROUP");
    }
    memcpy(name, text.ptr, text.len);
    name[text.len] = 0;
    group = strchr(name, ':');
    if (group != NULL) *group++ = 0;
    if (find_user(user, name, group == NULL, problem) != 0) return -1;
    if (group != NULL && find_group(user, group, problem) != 0) return -1;
    if ((user->uid == 0 || user->gid == 0) && !allow_root) {
        return problem_set(problem, ERROR_CODE, POINTER, "\"user\" is root%s; if that is meant, say \"allowRoot\": true as well",
                           user->uid == 0 ? "" : "'s group");
    }
    user->other = user->uid != geteuid() || user->gid != getegid();
    if (user->other && geteuid() != 0) {
        return problem_set(problem, ERROR_CODE, POINTER,
                           "only root can run programs as somebody else, and this worker is user %u; leave \"user\" out",
                           (unsigned)geteuid());
    }
    return 0;
}

/* The raw calls: those of the C library tell all threads of the process, which between vfork and exec are the worker's. */
int user_become(const struct user *user) {
    if (syscall(SYS_setgroups, 0, NULL) != 0 || syscall(SYS_setresgid, user->gid, user->gid, user->gid) != 0 ||
        syscall(SYS_setresuid, user->uid, user->uid, user->uid) != 0) {
        return errno;
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}
