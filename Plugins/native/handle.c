#include "handle.h"

#include <string.h>

int handle_add(struct handles *handles, struct arena *arena, const char *name, const char *tag, void *pointer) {
    struct handle *handle = arena_alloc(arena, sizeof *handle);
    if (handle == NULL) return -1;
    handle->name = arena_copy(arena, name, strlen(name));
    if (handle->name == NULL) return -1;
    handle->tag = tag;
    handle->pointer = pointer;
    handle->next = handles->first;
    handles->first = handle;
    return 0;
}

static bool begins(const char *name, spindle_str call, const char *then) {
    return strlen(name) > call.len && memcmp(name, call.ptr, call.len) == 0 && strncmp(name + call.len, then, strlen(then)) == 0;
}

const struct handle *handle_find(const struct handles *handles, spindle_str name) {
    const struct handle *handle, *only = NULL;
    size_t outs = 0;
    if (name.len == 0) return NULL;
    for (handle = handles->first; handle != NULL; handle = handle->next) {
        if (spindle_str_is(name, handle->name)) return handle;
    }
    for (handle = handles->first; handle != NULL; handle = handle->next) {
        if (begins(handle->name, name, ".result") && handle->name[name.len + 7] == 0) return handle;
        if (begins(handle->name, name, ".out.")) {
            only = handle;
            outs++;
        }
    }
    return outs == 1 ? only : NULL;
}
