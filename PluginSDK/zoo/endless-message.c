/* Gives an error whose message says to be SIZE_MAX bytes long. */
#include "zoo.h"

ZOO_RUN {
    static char text[1 << 17];
    spindle_error error = { .struct_size = sizeof error, .code = SPINDLE_STR("zoo.long"),
                            .message = { text, SIZE_MAX } };
    spindle_result result = { .struct_size = sizeof result, .outcome = SPINDLE_PERMANENT, .error = &error,
                              .retry_after_ms = -1 };
    memset(text, 'x', sizeof text);
    zoo_complete(request, &result);
    return SPINDLE_OK;
}
ZOO("endless-message")
