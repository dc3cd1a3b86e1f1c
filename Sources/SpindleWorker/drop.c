/* Giving up the host's user, all capabilities, and the ways to new ones. */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#ifndef PR_MDWE_REFUSE_EXEC_GAIN
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

static int set_capabilities(uint64_t keep) {
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2];
    for (int i = 0; i < 2; i++) {
        data[i].effective = data[i].permitted = (uint32_t)(keep >> (32 * i));
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) == 0;
}

/* While there still is CAP_SETPCAP. The kernel says with EINVAL where its capabilities end. */
static int empty_bounding_set(void) {
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return errno == EINVAL && capability > 0;
    }
    return 1;
}

int drop_user(sandbox *box) {
    if (sandbox_has(box, SPW_LAYER_CAPS) && !empty_bounding_set()) {
        return sandbox_refuse(box, "capabilities", "the bounding set");
    }
    if (!sandbox_has(box, SPW_LAYER_IDS)) return 1;
    const spw_setup *setup = &box->setup;
    errno = 0;
    if (setup->uid == 0 || setup->gid == 0) return sandbox_refuse(box, "user", "root is no user for a plugin");
    if (setgroups(0, NULL) != 0) return sandbox_refuse(box, "user", "setgroups");
    if (setresgid(setup->gid, setup->gid, setup->gid) != 0) return sandbox_refuse(box, "user", "setresgid");
    if (setresuid(setup->uid, setup->uid, setup->uid) != 0) return sandbox_refuse(box, "user", "setresuid");
    errno = 0;
    if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0) return sandbox_refuse(box, "user", "root can be had back");
    return 1;
}

int drop_privileges(sandbox *box) {
    if (sandbox_has(box, SPW_LAYER_CAPS)) {
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        if (!set_capabilities(0)) return sandbox_refuse(box, "capabilities", "capset");
    }
    if (sandbox_has(box, SPW_LAYER_NO_PRIVS)) {
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return sandbox_refuse(box, "dumpable", "prctl");
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sandbox_refuse(box, "no_new_privs", "prctl");
    }
    if (sandbox_has(box, SPW_LAYER_MDWE) && prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0) {
        return sandbox_refuse(box, "memory protection", "PR_SET_MDWE (Linux 6.3)");
    }
    return 1;
}

int drop_init(sandbox *box) {
    /* It only signals and reaps. */
    if (!set_capabilities(UINT64_C(1) << CAP_KILL)) return sandbox_refuse(box, "capabilities", "capset of init");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sandbox_refuse(box, "no_new_privs", "prctl");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return sandbox_refuse(box, "dumpable", "prctl");
    return 1;
}
