/* The system calls that no plugin needs, and those that only a grant allows. Everything else stays as it is. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "there is no table of system calls for this machine"
#endif

enum {
    MAX_STEPS = 512,
    X32 = 0x40000000,
    NEW_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
                   | 0x80 /* CLONE_NEWTIME */,
};

static const int never[] = {
    /* Looking into other processes. */
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_getfd,
    /* Parts of the kernel with a history, and nothing for a plugin. */
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
    SYS_keyctl, SYS_add_key, SYS_request_key, SYS_fanotify_init, SYS_lookup_dcookie,
    /* Mounts and namespaces. */
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, SYS_open_tree, SYS_move_mount, SYS_fsopen,
    SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_open_by_handle_at, SYS_name_to_handle_at,
    /* The machine. */
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct,
    SYS_quotactl, SYS_quotactl_fd, SYS_syslog, SYS_vhangup, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex,
    SYS_settimeofday, SYS_sethostname, SYS_setdomainname, SYS_personality, SYS_move_pages, SYS_migrate_pages,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#if defined(__x86_64__)
    SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_uselib, SYS_ustat, SYS_sysfs, SYS__sysctl, SYS_create_module,
    SYS_get_kernel_syms, SYS_query_module, SYS_nfsservctl,
#endif
};

static const int programs[] = {
    SYS_execve, SYS_execveat,
#if defined(__x86_64__)
    SYS_fork, SYS_vfork,
#endif
};

typedef struct filter {
    struct sock_filter steps[MAX_STEPS];
    unsigned short count;
} filter;

static void add(filter *filter, uint16_t code, uint32_t k, uint8_t yes, uint8_t no) {
    if (filter->count < MAX_STEPS) filter->steps[filter->count] = (struct sock_filter){ code, yes, no, k };
    filter->count++;
}

static void load(filter *filter, size_t offset) { add(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0); }
static void load_argument(filter *filter, int index) {
    load(filter, offsetof(struct seccomp_data, args) + 8 * (size_t)index); /* the low half, which is all that such arguments have */
}
static void answer(filter *filter, uint32_t what) { add(filter, BPF_RET | BPF_K, what, 0, 0); }
static void refuse(filter *filter, int error) { answer(filter, SECCOMP_RET_ERRNO | (uint32_t)error); }
static void allow(filter *filter) { answer(filter, SECCOMP_RET_ALLOW); }

/* Steps over the next `steps` unless the number is that. */
static void unless(filter *filter, uint32_t number, uint8_t steps) { add(filter, BPF_JMP | BPF_JEQ | BPF_K, number, 0, steps); }

static void refuse_call(filter *filter, int call, int error) {
    unless(filter, (uint32_t)call, 1);
    refuse(filter, error);
}

/* Threads, always; processes if programs may be started; new namespaces never. */
static void judge_clone(filter *filter, int may_start) {
    refuse_call(filter, SYS_clone3, ENOSYS); /* its flags are behind a pointer; libraries fall back to clone */
    unless(filter, SYS_clone, may_start ? 4 : 5);
    load_argument(filter, 0);
    add(filter, BPF_JMP | BPF_JSET | BPF_K, NEW_NAMESPACES, may_start ? 1 : 2, 0);
    if (!may_start) add(filter, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
    allow(filter);
    refuse(filter, EPERM);
}

/* Streams, datagrams and the like of the families that a grant of the network needs; nothing raw. */
static void judge_socket(filter *filter, uint32_t net) {
    static const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6 };
    const int any = net == SPW_NET_ANY;
    if (net == SPW_NET_NONE) {
        refuse_call(filter, SYS_socket, EPERM);
        return;
    }
    unless(filter, SYS_socket, any ? 15 : 11);
    load_argument(filter, 0);
    for (uint8_t i = 0; i < 3; i++) {
        add(filter, BPF_JMP | BPF_JEQ | BPF_K, families[i], (uint8_t)((any ? 7 : 3) - i), 0);
    }
    if (any) {
        /* With the host's network there are interfaces to list. */
        unless(filter, AF_NETLINK, 3);
        load_argument(filter, 2);
        unless(filter, 0 /* NETLINK_ROUTE */, 1);
        allow(filter);
    }
    refuse(filter, EAFNOSUPPORT);
    load_argument(filter, 1);
    add(filter, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0); /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, SOCK_RAW, 2, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, SOCK_PACKET, 1, 0);
    allow(filter);
    refuse(filter, EPERM);
}

/* Pairs that are connected for good. A datagram socket, which SOCK_RAW is too here, can be sent from to any other by its path. */
static void judge_pair(filter *filter, uint32_t net) {
    const int none = net == SPW_NET_NONE;
    unless(filter, SYS_socketpair, none ? 10 : 5);
    load_argument(filter, 0);
    unless(filter, AF_UNIX, none ? 6 : 1);
    if (none) {
        load_argument(filter, 1);
        add(filter, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
        add(filter, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 2, 0);
        add(filter, BPF_JMP | BPF_JEQ | BPF_K, SOCK_SEQPACKET, 1, 0);
        add(filter, BPF_JMP | BPF_JA, 1, 0, 0);
    }
    allow(filter);
    refuse(filter, EPERM);
    load(filter, offsetof(struct seccomp_data, nr));
}

/* Files that give who runs them the rights of their owner, which may be the host's user: no_new_privs holds for the plugin, but
 * not for others of this machine. */
static void judge_modes(filter *filter) {
    static const struct {
        int call;
        int8_t flags; /* the argument that says whether there is a mode at all; -1 = there is */
        int8_t mode;
    } calls[] = {
        { SYS_fchmod, -1, 1 }, { SYS_fchmodat, -1, 2 }, { SYS_mknodat, -1, 2 }, { SYS_mkdirat, -1, 2 }, { SYS_openat, 2, 3 },
#if defined(__x86_64__)
        { SYS_chmod, -1, 1 }, { SYS_mknod, -1, 1 }, { SYS_mkdir, -1, 1 }, { SYS_creat, -1, 1 }, { SYS_open, 1, 2 },
#endif
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        int has_flags = calls[i].flags >= 0;
        unless(filter, (uint32_t)calls[i].call, has_flags ? 6 : 4);
        if (has_flags) {
            load_argument(filter, calls[i].flags);
            add(filter, BPF_JMP | BPF_JSET | BPF_K, O_CREAT | (O_TMPFILE & ~O_DIRECTORY), 0, 3);
        }
        load_argument(filter, calls[i].mode);
        add(filter, BPF_JMP | BPF_JSET | BPF_K, S_ISUID | S_ISGID, 0, 1);
        refuse(filter, EPERM);
        load(filter, offsetof(struct seccomp_data, nr));
    }
    /* The same with the mode behind a pointer, and a new one; libraries fall back. */
    refuse_call(filter, SYS_openat2, ENOSYS);
    refuse_call(filter, 452 /* fchmodat2 */, ENOSYS);
}

static void judge_rest(filter *filter) {
    /* Keystrokes for a terminal. */
    unless(filter, SYS_ioctl, 4);
    load_argument(filter, 1);
    unless(filter, TIOCSTI, 1);
    refuse(filter, EPERM);
    load(filter, offsetof(struct seccomp_data, nr));
    unless(filter, SYS_ioctl, 4);
    load_argument(filter, 1);
    unless(filter, 0x541c /* TIOCLINUX */, 1);
    refuse(filter, EPERM);
    load(filter, offsetof(struct seccomp_data, nr));
    /* The limits of others. */
    unless(filter, SYS_prlimit64, 4);
    load_argument(filter, 0);
    unless(filter, 0, 1);
    allow(filter);
    refuse(filter, EPERM);
    allow(filter);
}

int seccomp_install(sandbox *box) {
    static filter filter;
    int may_start = (box->setup.allows & SPW_ALLOW_EXEC) != 0;
    load(&filter, offsetof(struct seccomp_data, arch));
    add(&filter, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    answer(&filter, SECCOMP_RET_KILL_PROCESS); /* another architecture's calls have other numbers */
    load(&filter, offsetof(struct seccomp_data, nr));
    add(&filter, BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1); /* of x86-64: the same calls by other numbers */
    refuse(&filter, ENOSYS);
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) refuse_call(&filter, never[i], EPERM);
    for (size_t i = 0; !may_start && i < sizeof programs / sizeof programs[0]; i++) refuse_call(&filter, programs[i], EPERM);
    judge_clone(&filter, may_start);
    judge_socket(&filter, box->setup.net);
    judge_pair(&filter, box->setup.net);
    judge_modes(&filter);
    judge_rest(&filter);
    errno = 0;
    if (filter.count > MAX_STEPS) return sandbox_refuse(box, "seccomp", "its filter is too long");
    const struct sock_fprog program = { filter.count, filter.steps };
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
        return sandbox_refuse(box, "seccomp", "its filter");
    }
    return 1;
}
