#include "SpindleSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

int sps_poller_make(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int control(int poller, int operation, int fd, uint64_t number, uint32_t events) {
    struct epoll_event event = { .data.u64 = number };
    if ((events & SPS_READ) != 0) event.events |= EPOLLIN;
    if ((events & SPS_WRITE) != 0) event.events |= EPOLLOUT;
    return epoll_ctl(poller, operation, fd, &event);
}

int sps_poller_add(int poller, int fd, uint64_t number, uint32_t events) {
    return control(poller, EPOLL_CTL_ADD, fd, number, events);
}

int sps_poller_change(int poller, int fd, uint64_t number, uint32_t events) {
    return control(poller, EPOLL_CTL_MOD, fd, number, events);
}

int sps_poller_remove(int poller, int fd) { return control(poller, EPOLL_CTL_DEL, fd, 0, 0); }

int sps_poller_wait(int poller, sps_event *events, int capacity, int milliseconds) {
    struct epoll_event ready[128];
    int count = epoll_wait(poller, ready, capacity < 128 ? capacity : 128, milliseconds);
    for (int i = 0; i < count; i++) {
        events[i].number = ready[i].data.u64;
        events[i].ready = ((ready[i].events & EPOLLIN) != 0 ? SPS_READ : 0u)
                        | ((ready[i].events & EPOLLOUT) != 0 ? SPS_WRITE : 0u)
                        | ((ready[i].events & (EPOLLHUP | EPOLLERR)) != 0 ? SPS_GONE : 0u);
    }
    return count;
}

int sps_bell_make(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void sps_name_thread(const char *name) { (void)prctl(PR_SET_NAME, name); }

int sps_bind_thread(void) {
    cpu_set_t allowed, first;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return -1;
    CPU_ZERO(&first);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed)) continue;
        CPU_SET(cpu, &first);
        return sched_setaffinity(0, sizeof first, &first);
    }
    return -1;
}

void sps_wipe(void *memory, size_t size) {
    if (memory != NULL && size > 0) explicit_bzero(memory, size);
}

int sps_memory_make(const char *name) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    /* Kernels before 6.3 do not know the last flag. */
    if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd;
}

int sps_memory_seal(int fd) {
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}
