/* libFuzzer: any bytes as a stream of frames. Decoded messages are encoded again: they must come out the same. */
#include <stdlib.h>
#include <string.h>

#include "../../Sources/SpindleWire/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static union {
        spw_start start;
        spw_report_executor report;
        spw_completed completed;
        uint8_t bytes[1024];
    } message;
    spw_frame frame;
    size_t consumed;
    while (spw_next(data, size, &frame, &consumed) == SPW_OK) {
        spw_arena arena = { 0 };
        size_t length = message_layout_of(frame.type)->size;
        if (length > sizeof message) abort();
        if (spw_decode(&frame, &message, length, &arena) == SPW_OK) {
            spw_buffer again = { 0 };
            if (spw_encode(&again, frame.type, frame.flags, frame.handle, &message) != SPW_OK) abort();
            if (again.length != consumed || memcmp(again.data, data, consumed) != 0) abort();
            spw_buffer_free(&again);
        }
        spw_arena_free(&arena);
        data += consumed;
        size -= consumed;
    }
    return 0;
}
