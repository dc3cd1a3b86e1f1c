/* What surrounds a worker: the message SETUP of the private protocol. A part of SpindleWire.h, which includes it. */
#pragma once

/* Layers of a sandbox, each of which can be tried by itself. */
enum {
    SPW_LAYER_USER = 1 << 0,      /* a user namespace: what a host that is not root needs for the others */
    SPW_LAYER_PID = 1 << 1,       /* a PID namespace */
    SPW_LAYER_MOUNT = 1 << 2,     /* a mount namespace with a root of its own */
    SPW_LAYER_NET = 1 << 3,       /* a network namespace */
    SPW_LAYER_IPC = 1 << 4,       /* an IPC namespace */
    SPW_LAYER_UTS = 1 << 5,       /* a UTS namespace */
    SPW_LAYER_CGROUP = 1 << 6,    /* the control groups of `groups` */
    SPW_LAYER_LIMITS = 1 << 7,    /* rlimits */
    SPW_LAYER_IDS = 1 << 8,       /* another user */
    SPW_LAYER_CAPS = 1 << 9,      /* no capabilities */
    SPW_LAYER_NO_PRIVS = 1 << 10, /* no_new_privs, and not dumpable */
    SPW_LAYER_MDWE = 1 << 11,     /* no memory that is written and executed */
    SPW_LAYER_LANDLOCK = 1 << 12,
    SPW_LAYER_SECCOMP = 1 << 13,
    SPW_LAYER_TEST = 1 << 14, /* try whether they hold before the plugin is loaded */
    SPW_LAYER_TRY = 1 << 15,  /* load nothing: end with FAILED "spindle.tried" if all could be given */
};

enum {
    SPW_ALLOW_EXEC = 1, /* start programs */
    SPW_ALLOW_JIT = 2,  /* memory that is written and executed */
};

enum {
    SPW_NET_NONE = 0,
    SPW_NET_LIST = 1, /* only what `relays` says */
    SPW_NET_ANY = 2,
};

enum { SPW_SETUP_MAX = 256 * 1024 /* of a SETUP frame */, SPW_SETUP_ITEMS = 1024 /* of each of its lists */ };

/* What surrounds a worker. Paths are absolute, without symbolic links, `.` and `..`. 0 is no limit. */
typedef struct spw_setup {
    uint32_t layers;  /* SPW_LAYER_* */
    uint32_t allows;  /* SPW_ALLOW_* */
    uint32_t net;     /* SPW_NET_* */
    uint32_t uid;     /* for LAYER_IDS */
    uint32_t gid;
    uint64_t memory;      /* bytes */
    uint64_t cpu_permille; /* of one processor; only with a control group */
    uint64_t pids;        /* processes and threads */
    uint64_t file_size;   /* bytes of a file that it writes, and of all in its /tmp */
    uint64_t cpu_seconds; /* of its life */
    uint64_t files;       /* open at once */
    spw_bytes hostname;
    spw_list libraries; /* libraries to read and execute */
    spw_list reads;     /* to read */
    spw_list writes;    /* to read and write */
    spw_list relays;    /* "NAME PORT ADDRESS": connections to that name and port go to that address */
    spw_list groups;    /* "KIND DIRECTORY": control groups to make; KIND is memory, pids, cpu, or unified for all three */
} spw_setup;
