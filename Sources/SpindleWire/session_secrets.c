/* Memory that holds secrets: in no core file, in no child, and overwritten before it is given back. */
#include <string.h>
#include <sys/mman.h>

#include "session.h"

static char *put(char **at, spw_bytes bytes) {
    char *copy = *at;
    if (bytes.len > 0) memcpy(copy, bytes.ptr, bytes.len);
    *at += bytes.len;
    return copy;
}

int secrets_keep(secret_memory *memory, spw_kvs secrets) {
    *memory = (secret_memory){ 0 };
    if (secrets.count == 0) return 1;
    size_t size = secrets.count * sizeof(spw_kv);
    for (size_t i = 0; i < secrets.count; i++) size += secrets.items[i].key.len + secrets.items[i].value.len;
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return 0;
    /* Kernels before 4.14 do not know the second; limits and PR_SET_DUMPABLE stand behind the first. */
    (void)madvise(pages, size, MADV_DONTDUMP);
    (void)madvise(pages, size, MADV_WIPEONFORK);
    spw_kv *items = pages;
    char *at = (char *)pages + secrets.count * sizeof *items;
    for (size_t i = 0; i < secrets.count; i++) {
        items[i].key = (spw_bytes){ put(&at, secrets.items[i].key), secrets.items[i].key.len };
        items[i].value = (spw_bytes){ put(&at, secrets.items[i].value), secrets.items[i].value.len };
    }
    *memory = (secret_memory){ { items, secrets.count }, pages, size };
    return 1;
}

void secrets_forget(secret_memory *memory) {
    if (memory->pages != NULL) {
        explicit_bzero(memory->pages, memory->size);
        munmap(memory->pages, memory->size);
    }
    *memory = (secret_memory){ 0 };
}
