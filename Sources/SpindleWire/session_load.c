/* Loading a library and checking what its factory says, with messages for the one who has to mend it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "session.h"

#define REQUIRE(condition, ...)                                                                                          \
    do {                                                                                                                 \
        if (!(condition)) {                                                                                              \
            snprintf(message, capacity, __VA_ARGS__);                                                                    \
            return 0;                                                                                                    \
        }                                                                                                                \
    } while (0)

int64_t session_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* An older plugin's struct is shorter: what it does not have stays 0. A newer one's is longer: the rest is not ours. */
static void cut_to(void *to, size_t size, const void *from, uint32_t struct_size) {
    memset(to, 0, size);
    memcpy(to, from, struct_size < size ? struct_size : size);
}

int load_kind(spw_session *session, uint32_t index, uint32_t first, const spindle_executor_descriptor *from, char *message,
              size_t capacity) {
    spindle_executor_descriptor *kind = &session->kinds[index];
    REQUIRE(from != NULL, "executor %u of the factory is NULL", index);
    size_t least = offsetof(spindle_executor_descriptor, execute) + sizeof(from->execute);
    REQUIRE(from->struct_size >= least, "executor %u: struct_size is %u, version 1 needs at least %zu", index,
            from->struct_size, least);
    cut_to(kind, sizeof *kind, from, from->struct_size);
    REQUIRE(kind->type != NULL && text_is_name(kind->type),
            "executor %u: its type must match [A-Za-z_][A-Za-z0-9_.-]{0,127}", index);
    REQUIRE(kind->execute != NULL, "executor \"%s\": execute is NULL", kind->type);
    REQUIRE((kind->flags & (SPINDLE_EXECUTOR_BLOCKING | SPINDLE_EXECUTOR_ASYNC))
                != (SPINDLE_EXECUTOR_BLOCKING | SPINDLE_EXECUTOR_ASYNC),
            "executor \"%s\": BLOCKING and ASYNC exclude each other", kind->type);
    REQUIRE(kind->target_prefix_count <= 1024 && (kind->target_prefix_count == 0 || kind->target_prefixes != NULL),
            "executor \"%s\": target_prefixes is NULL or too long", kind->type);
    REQUIRE(kind->need_count <= 1024 && (kind->need_count == 0 || kind->needs != NULL),
            "executor \"%s\": needs is NULL or too long", kind->type);
    for (uint32_t k = first; k < index; k++) {
        REQUIRE(strcmp(session->kinds[k].type, kind->type) != 0, "the type \"%s\" is offered twice", kind->type);
    }
    return 1;
}

static int check_factory(spw_session *session, const spindle_executor_factory *from, char *message, size_t capacity) {
    spindle_executor_factory *factory = &session->factory;
    REQUIRE(from != NULL, "spindle_executor_factory_v1 returned NULL");
    size_t least = offsetof(spindle_executor_factory, plugin_version) + sizeof(from->plugin_version);
    REQUIRE(from->struct_size >= least, "factory: struct_size is %u, version 1 needs at least %zu", from->struct_size,
            least);
    cut_to(factory, sizeof *factory, from, from->struct_size);
    REQUIRE(factory->min_host_minor <= SPINDLE_ABI_MINOR,
            "the plugin needs a host with ABI 1.%u or later; this one has 1.%d", factory->min_host_minor,
            SPINDLE_ABI_MINOR);
    REQUIRE(factory->plugin_id != NULL && factory->plugin_id[0] != 0, "factory: plugin_id is missing");
    REQUIRE(factory->plugin_version != NULL && factory->plugin_version[0] != 0, "factory: plugin_version is missing");
    REQUIRE(factory->executor_count >= 1 && factory->executor_count <= 1024 && factory->executors != NULL,
            "factory: it must offer 1 to 1024 executors, it says %u", factory->executor_count);
    session->kind_count = factory->executor_count;
    session->kinds = calloc(factory->executor_count + MAX_TRIGGERS, sizeof *session->kinds);
    session->submitted = calloc(factory->executor_count + MAX_TRIGGERS, sizeof *session->submitted);
    REQUIRE(session->kinds != NULL && session->submitted != NULL, "out of memory");
    for (uint32_t i = 0; i < factory->executor_count; i++) {
        if (!load_kind(session, i, 0, factory->executors[i], message, capacity)) return 0;
    }
    return load_triggers(session, message, capacity);
}

spw_session *spw_session_open_factory(const void *factory, const spw_output *output, spw_page *page, char *message,
                                      size_t capacity) {
    spw_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        snprintf(message, capacity, "out of memory");
        return NULL;
    }
    session->output = *output;
    session->page = page;
    session->cancels_end = &session->cancels;
    session->answers_end = &session->answers;
    atomic_store(&session->log_level, SPINDLE_LOG_INFO);
    pthread_mutex_init(&session->create_lock, NULL);
    pthread_mutex_init(&session->lock, NULL);
    session_fill_host(session);
    if (check_factory(session, factory, message, capacity)) {
        if (service_start(session) == 0) return session;
        snprintf(message, capacity, "no thread could be started");
    }
    pthread_mutex_destroy(&session->create_lock);
    pthread_mutex_destroy(&session->lock);
    free(session->kinds);
    free(session->submitted);
    free(session);
    return NULL;
}

spw_session *spw_session_open(const char *path, const spw_output *output, spw_page *page, char *message,
                              size_t capacity) {
    typedef const spindle_executor_factory *(*factory_function)(void);
    /* NODELETE: code that was unmapped under a plugin's own threads is a crash nobody can explain. */
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        snprintf(message, capacity, "%s", dlerror());
        return NULL;
    }
    void *symbol = dlsym(library, "spindle_executor_factory_v1");
    if (symbol == NULL) {
        snprintf(message, capacity,
                 "no function spindle_executor_factory_v1: not a Spindle plugin, or it was hidden (mark it SPINDLE_EXPORT)");
        return NULL;
    }
    factory_function function;
    memcpy(&function, &symbol, sizeof function); /* ISO C has no cast from an object to a function */
    Dl_info info;
    uint64_t base = dladdr(symbol, &info) != 0 ? (uint64_t)(uintptr_t)info.dli_fbase : 0;
    spw_session *session = spw_session_open_factory(function(), output, page, message, capacity);
    if (session != NULL) session->load_base = base;
    return session;
}

uint64_t spw_session_load_base(const spw_session *session) { return session->load_base; }

int32_t spw_session_shutdown(spw_session *session) {
    pthread_mutex_lock(&session->lock);
    int busy = session->open > 0;
    pthread_mutex_unlock(&session->lock);
    if (busy) return SPINDLE_E_BUSY;
    for (uint32_t i = 0; i < session->instance_count; i++) {
        spw_answer ignored;
        spw_arena arena = { 0 };
        if (atomic_load(&session->instances[i]->handle) != 0) {
            spw_session_destroy(session, session->instances[i]->token, &ignored, &arena);
        }
        spw_arena_free(&arena);
    }
    if (session->initialised && session->factory.shutdown != NULL) session->factory.shutdown();
    service_stop(session);
    return SPINDLE_OK;
}

int32_t spw_session_close(spw_session *session) {
    int32_t status = spw_session_shutdown(session);
    if (status != SPINDLE_OK) return status;
    for (uint32_t i = 0; i < session->instance_count; i++) free(session->instances[i]);
    for (uint32_t i = 0; i < atomic_load(&session->attempt_count); i++) {
        attempt *attempt = session->attempts[i];
        pthread_mutex_destroy(&attempt->lock);
        free(attempt->memory);
        free(attempt->checkpoint);
        free(attempt);
    }
    error_clear(&session->error);
    tail_clear(&session->printed_tail);
    pthread_mutex_destroy(&session->create_lock);
    pthread_mutex_destroy(&session->lock);
    free(session->kinds);
    free(session->submitted);
    free(session);
    return SPINDLE_OK;
}
