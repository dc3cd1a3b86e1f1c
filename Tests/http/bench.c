/* Requests a second through the ABI: bench PLUGIN URL COUNT AT_ONCE */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fake_host.h"

int main(int argc, char **argv) {
    const spindle_executor_factory *(*entry)(void);
    const spindle_executor_factory *factory;
    void *library = argc == 5 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL, *instance;
    int count, at_once, i, wrong = 0;
    struct run **ring;
    struct timespec from, to;
    spindle_status status;
    double seconds;
    if (library == NULL) return 2;
    count = atoi(argv[3]);
    at_once = atoi(argv[4]);
    *(void **)&entry = dlsym(library, "spindle_executor_factory_v1");
    factory = entry();
    if (factory->init(&fake_host, NULL) != SPINDLE_OK) return 2;
    fake_host_start(factory->executors[0]);
    instance = fake_create("{}", &status);
    ring = calloc((size_t)at_once, sizeof *ring);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (i = 0; i < count + at_once; i++) {
        struct run **place = &ring[i % at_once];
        if (*place != NULL) {
            run_wait(*place);
            wrong += (*place)->outcome != SPINDLE_SUCCESS;
            run_free(*place);
            *place = NULL;
        }
        if (i >= count) continue;
        *place = run_new(instance, argv[2]);
        run_execute(*place);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("bench: %d requests, %d at once: %.0f a second, %d failed\n", count, at_once, count / seconds, wrong);
    factory->executors[0]->destroy(instance);
    fake_host_stop();
    factory->shutdown();
    free(ring);
    return wrong != 0;
}
