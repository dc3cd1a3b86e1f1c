/* Writes a file with a frame of every message type, all fields filled: seeds DIRECTORY [BYTE]. BYTE goes before each frame. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../Sources/SpindleWire/messages.h"

static spw_bytes text(const char *value) { return (spw_bytes){ value, strlen(value) }; }

static void fill(const message_layout *layout, uint8_t *message) {
    static spw_kv pair;
    static spw_bytes item;
    pair = (spw_kv){ text("name"), text("value") };
    item = text("http://");
    for (size_t i = 0; i < layout->field_count; i++) {
        void *at = message + layout->fields[i].offset;
        switch (layout->fields[i].kind) {
        case FIELD_U32: *(uint32_t *)at = (uint32_t)i; break;
        case FIELD_U64: *(uint64_t *)at = i; break;
        case FIELD_I64: *(int64_t *)at = (int64_t)i; break;
        case FIELD_BYTES: *(spw_bytes *)at = text("text"); break;
        case FIELD_KVS: *(spw_kvs *)at = (spw_kvs){ &pair, 1 }; break;
        default: *(spw_list *)at = (spw_list){ &item, 1 }; break;
        }
    }
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    spw_buffer all = { 0 };
    for (uint16_t type = 0; type < 256; type++) {
        const message_layout *layout = message_layout_of(type);
        if (layout == NULL) continue;
        static _Alignas(16) uint8_t message[4096];
        memset(message, 0, sizeof message);
        if (layout->size > sizeof message) return 3;
        fill(layout, message);
        size_t before = all.length;
        if (spw_encode(&all, type, 0, 7, message) != SPW_OK) return 3;
        char path[4096];
        snprintf(path, sizeof path, "%s/frame-%u", argv[1], type);
        FILE *file = fopen(path, "wb");
        if (file == NULL) return 4;
        if (argc > 2) fputc(atoi(argv[2]), file);
        fwrite((uint8_t *)all.data + before, 1, all.length - before, file);
        if (fclose(file) != 0) return 4;
    }
    spw_buffer_free(&all);
    return 0;
}
