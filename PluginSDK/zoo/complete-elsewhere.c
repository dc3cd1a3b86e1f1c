/* Completes again from another thread, after its attempt is over and the next one is open. */
#include <stdatomic.h>

#include "zoo.h"

static _Atomic spindle_handle last;
static const spindle_host *_Atomic host;
static spindle_host_ctx *_Atomic ctx;

static void *complete_again(ZOO_UNUSED void *argument) {
    spindle_result forged = { .struct_size = sizeof forged, .outcome = SPINDLE_PERMANENT, .retry_after_ms = -1 };
    host->complete(ctx, last, &forged);
    return NULL;
}

ZOO_RUN {
    pthread_t thread;
    if (last != 0) {
        if (pthread_create(&thread, NULL, complete_again, NULL) != 0) return zoo_fail(request, "zoo.no-thread");
        pthread_join(thread, NULL);
    }
    host = request->host;
    ctx = request->ctx;
    last = request->handle;
    return zoo_succeed(request);
}
ZOO("complete-elsewhere")
