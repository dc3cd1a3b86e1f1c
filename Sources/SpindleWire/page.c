/* The page that a worker shares with its host, so that a death tells whose code was running. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "SpindleWire.h"

spw_page *spw_page_create(int *fd) {
    int made = memfd_create("spindle-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0) return NULL;
    /* Sealed, because a plugin that shortened it would make the host's next look a SIGBUS. */
    int sealed = ftruncate(made, sizeof(spw_page)) == 0
              && fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
    spw_page *page = sealed ? spw_page_map(made) : NULL;
    if (page == NULL) {
        int error = errno;
        close(made);
        errno = error;
        return NULL;
    }
    page->magic = SPW_PAGE_MAGIC;
    *fd = made;
    return page;
}

spw_page *spw_page_map(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) return NULL;
    /* A shorter file would answer a store with SIGBUS. */
    if (status.st_size < (off_t)sizeof(spw_page)) {
        errno = EINVAL;
        return NULL;
    }
    void *mapped = mmap(NULL, sizeof(spw_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

void spw_page_unmap(spw_page *page) {
    if (page != NULL) munmap(page, sizeof(spw_page));
}

size_t spw_page_suspects(const spw_page *page, uint64_t *tokens, size_t capacity) {
    uint64_t seen[SPW_PAGE_THREADS];
    size_t count = 0;
    for (size_t i = 0; i < SPW_PAGE_THREADS; i++) {
        uint64_t token = __atomic_load_n(&page->threads[i].token, __ATOMIC_RELAXED);
        uint32_t tid = __atomic_load_n(&page->threads[i].tid, __ATOMIC_RELAXED);
        if (tid == 0 || token == 0) continue;
        size_t k = 0;
        while (k < count && seen[k] != token) k++;
        if (k < count) continue;
        if (count < capacity) tokens[count] = token;
        seen[count++] = token;
    }
    return count;
}
