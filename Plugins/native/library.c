#include "library.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

int library_open(struct library *library, struct problem *problem) {
    const char *why;
    if (library->handle != NULL) return 0;
    library->handle = dlopen(library->name, RTLD_NOW | RTLD_LOCAL);
    if (library->handle != NULL) return 0;
    why = dlerror();
    return problem_set(problem, "native.library", NULL,
                       "the library %.300s cannot be loaded: %.600s; install it, correct \"libraries\", or grant its path to read",
                       library->name, why == NULL ? "the loader does not say why" : why);
}

struct place {
    uintptr_t base, address;
    bool executable;
};

static int find_segment(struct dl_phdr_info *info, size_t size, void *opaque) {
    struct place *place = opaque;
    size_t i;
    (void)size;
    if (info->dlpi_addr != place->base) return 0;
    for (i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0 && place->address >= start &&
            place->address < start + header->p_memsz) {
            place->executable = true;
            return 1;
        }
    }
    return 0;
}

int library_function(struct library *library, const char *symbol, native_function *function, struct problem *problem) {
    struct link_map *own = NULL;
    void *owner = NULL, *address;
    struct place place;
    Dl_info info;
    if (library_open(library, problem) != 0) return -1;
    address = dlsym(library->handle, symbol);
    if (address == NULL) {
        return problem_set(problem, "native.symbol", NULL, "the library %.300s has no function \"%.200s\"; see nm -D",
                           library->name, symbol);
    }
    if (dlinfo(library->handle, RTLD_DI_LINKMAP, &own) != 0 || dladdr1(address, &info, &owner, RTLD_DL_LINKMAP) == 0) {
        return problem_set(problem, "native.symbol", NULL, "it cannot be told which library \"%.200s\" is from", symbol);
    }
    if (owner != own) {
        return problem_set(
            problem, "native.symbol", NULL,
            "\"%.200s\" is not a function of %.300s, which only uses it: it is one of %.300s, which an operator would "
            "have to allow",
            symbol, library->name, ((struct link_map *)owner)->l_name);
    }
    place = (struct place){ .base = own->l_addr, .address = (uintptr_t)address };
    (void)dl_iterate_phdr(find_segment, &place);
    if (!place.executable) {
        return problem_set(problem, "native.symbol", NULL, "\"%.200s\" of %.300s is data, not a function", symbol, library->name);
    }
    memcpy(function, &address, sizeof *function);
    return 0;
}

int library_free_function(struct library *library, const char *symbol, native_function *function, struct problem *problem) {
    if (strcmp(symbol, "free") == 0) {
        *function = (native_function)free;
        return 0;
    }
    return library_function(library, symbol, function, problem);
}
