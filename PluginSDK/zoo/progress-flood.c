/* Reports progress a million times. */
#include "zoo.h"

ZOO_RUN {
    for (int i = 0; i < 1000000; i++) request->host->progress(request->ctx, request->handle, i, 1000000, SPINDLE_STR("on"));
    return zoo_succeed(request);
}
ZOO("progress-flood")
