/* Crashes on a thread of its own that says for whom it works. */
#include "zoo.h"

static void *crash(void *argument) {
    const spindle_request *request = argument;
    request->host->enter(request->ctx, request->handle);
    raise(SIGSEGV);
    return NULL;
}

ZOO_RUN {
    pthread_t thread;
    if (pthread_create(&thread, NULL, crash, (void *)(uintptr_t)request) == 0) pthread_join(thread, NULL);
    return zoo_succeed(request);
}
ZOO("thread-crash")
