#include "artefact.h"

static enum artefact_step put(struct attempt *a, const char *bytes, size_t length, uint32_t flags) {
    spindle_status status = a->host->artefact_write(a->ctx, a->handle, SPINDLE_STR("body"),
                                                    spindle_str_make(bytes, length), flags);
    return status == SPINDLE_AGAIN ? ARTEFACT_NO_ROOM : status < 0 ? ARTEFACT_REFUSED : ARTEFACT_TAKEN;
}

bool artefact_offered(const struct attempt *a) {
    return a->request.save_body && !poll_judges(a) && SPINDLE_OFFERS(a->host, artefact_write);
}

enum artefact_step artefact_put(struct attempt *a, const char *chunk, size_t length) {
    if (!a->artefact.on) {
        a->artefact.on = true;
        a->artefact.prefix = a->response.body.length;
        a->artefact.sent = 0;
    }
    while (a->artefact.sent < a->artefact.prefix) {
        size_t step = a->artefact.prefix - a->artefact.sent;
        enum artefact_step taken;
        if (step > SPINDLE_MAX_ARTEFACT_CHUNK_BYTES) step = SPINDLE_MAX_ARTEFACT_CHUNK_BYTES;
        taken = put(a, a->response.body.data + a->artefact.sent, step, 0);
        if (taken != ARTEFACT_TAKEN) return taken;
        a->artefact.sent += step;
    }
    return put(a, chunk, length, 0); /* libcurl's chunks are at most 16 KiB */
}

enum artefact_step artefact_end(struct attempt *a) {
    return put(a, NULL, 0, SPINDLE_ARTEFACT_LAST);
}
