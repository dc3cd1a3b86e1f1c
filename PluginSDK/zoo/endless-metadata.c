/* Gives a result that says to have SIZE_MAX metadata. */
#include "zoo.h"

ZOO_RUN {
    static char keys[100000][8];
    static spindle_kv metadata[100000];
    for (int i = 0; i < 100000; i++) {
        snprintf(keys[i], sizeof keys[i], "%d", i);
        metadata[i].key = spindle_str_from_cstr(keys[i]);
    }
    spindle_result result = { .struct_size = sizeof result, .metadata = metadata, .metadata_count = SIZE_MAX,
                              .retry_after_ms = -1 };
    zoo_complete(request, &result);
    return SPINDLE_OK;
}
ZOO("endless-metadata")
