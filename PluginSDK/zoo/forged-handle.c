/* Completes attempts that are not its own, by every handle near its own. */
#include "zoo.h"

ZOO_RUN {
    spindle_result forged = { .struct_size = sizeof forged, .output = SPINDLE_STR("forged"), .retry_after_ms = -1 };
    for (int bit = 0; bit < 64; bit++) {
        spindle_handle other = request->handle ^ (UINT64_C(1) << bit);
        if (request->host->complete(request->ctx, other, &forged) == SPINDLE_OK) return zoo_fail(request, "zoo.forged");
    }
    return zoo_succeed(request);
}
ZOO("forged-handle")
