/* Namespaces: what a worker does not even see. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox.h"

static int write_file(const char *path, const char *text) {
    return sandbox_write(open(path, O_WRONLY | O_CLOEXEC), text);
}

int namespaces_user(sandbox *box) {
    char text[64];
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWUSER) != 0) return sandbox_refuse(box, "user namespace", "unshare");
    /* One user only, ourselves: more is root's to give. */
    if (!write_file("/proc/self/setgroups", "deny") && errno != ENOENT) {
        return sandbox_refuse(box, "user namespace", "setgroups");
    }
    snprintf(text, sizeof text, "%u %u 1", uid, uid);
    if (!write_file("/proc/self/uid_map", text)) return sandbox_refuse(box, "user namespace", "uid_map");
    snprintf(text, sizeof text, "%u %u 1", gid, gid);
    if (!write_file("/proc/self/gid_map", text)) return sandbox_refuse(box, "user namespace", "gid_map");
    return 1;
}

/* A new network namespace has a loopback device that is down. */
static int raise_loopback(void) {
    struct ifreq request;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return 0;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", 3);
    int raised = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags |= IFF_UP;
    raised = raised && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return raised;
}

int namespaces_enter(sandbox *box) {
    if (sandbox_has(box, SPW_LAYER_IPC) && unshare(CLONE_NEWIPC) != 0) return sandbox_refuse(box, "IPC namespace", "unshare");
    if (sandbox_has(box, SPW_LAYER_UTS)) {
        if (unshare(CLONE_NEWUTS) != 0) return sandbox_refuse(box, "UTS namespace", "unshare");
        if (sethostname(box->setup.hostname.ptr, box->setup.hostname.len) != 0) {
            return sandbox_refuse(box, "UTS namespace", "sethostname");
        }
    }
    if (sandbox_has(box, SPW_LAYER_NET)) {
        if (unshare(CLONE_NEWNET) != 0) return sandbox_refuse(box, "network namespace", "unshare");
        if (!raise_loopback()) return sandbox_refuse(box, "network namespace", "its loopback device");
    }
    if (sandbox_has(box, SPW_LAYER_MOUNT) && unshare(CLONE_NEWNS) != 0) {
        return sandbox_refuse(box, "mount namespace", "unshare");
    }
    return 1;
}
