/* The SETUP frame: read to its last byte, because KILL frames for init may follow, and checked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"

int sandbox_refuse(sandbox *box, const char *layer, const char *what) {
    int error = errno;
    if (error == 0) snprintf(box->why, sizeof box->why, "%s: %s", layer, what);
    else snprintf(box->why, sizeof box->why, "%s: %s: %s", layer, what, strerror(error));
    return 0;
}

void sandbox_report(const char *code, const char *message) {
    spw_buffer buffer = { 0 };
    const spw_failed failed = { { code, strlen(code) }, { message, strlen(message) } };
    if (spw_encode(&buffer, SPW_FAILED, 0, 0, &failed) == SPW_OK) (void)spw_write(SPW_FD_RUNNER, &buffer, 0);
    spw_buffer_free(&buffer);
}

int sandbox_write(int fd, const char *text) {
    if (fd < 0) return 0;
    size_t length = strlen(text);
    int written = write(fd, text, length) == (ssize_t)length;
    int error = errno;
    close(fd);
    errno = error;
    return written;
}

const char *sandbox_text(spw_bytes bytes) {
    char *text = malloc(bytes.len + 1);
    if (text == NULL) _exit(67);
    if (bytes.len > 0) memcpy(text, bytes.ptr, bytes.len);
    text[bytes.len] = 0;
    return text;
}

const char *sandbox_split(const char *item, char *word, size_t capacity) {
    const char *space = strchr(item, ' ');
    if (space == NULL || (size_t)(space - item) >= capacity || space == item) return NULL;
    memcpy(word, item, (size_t)(space - item));
    word[space - item] = 0;
    return space + 1;
}

/* Absolute, not the root itself, and each component a name. */
static int is_path(spw_bytes path) {
    const char *text = path.ptr;
    if (path.len < 2 || path.len >= 4096 || text[0] != '/' || memchr(text, 0, path.len) != NULL) return 0;
    /* Where mounts.c has the host's root for a moment. */
    if (path.len >= 6 && memcmp(text, "/.host", 6) == 0 && (path.len == 6 || text[6] == '/')) return 0;
    size_t start = 1;
    for (size_t i = 1; i <= path.len; i++) {
        if (i < path.len && text[i] != '/') continue;
        size_t length = i - start;
        int is_dots = (length == 1 && text[start] == '.') || (length == 2 && text[start] == '.' && text[start + 1] == '.');
        if (length == 0 || is_dots) return 0;
        start = i + 1;
    }
    return 1;
}

static int are_paths(const spw_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        if (!is_path(list->items[i])) return 0;
    }
    return list->count <= SPW_SETUP_ITEMS;
}

static int is_text(spw_bytes text, size_t max) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = ((const uint8_t *)text.ptr)[i];
        if (byte < 0x20 || byte == 0x7f) return 0;
    }
    return text.len <= max;
}

static int are_texts(const spw_list *list, size_t max_count) {
    for (size_t i = 0; i < list->count; i++) {
        if (!is_text(list->items[i], 4096)) return 0;
    }
    return list->count <= max_count;
}

static int check(const spw_setup *setup) {
    return setup->layers < SPW_LAYER_TRY * 2u && setup->allows <= (SPW_ALLOW_EXEC | SPW_ALLOW_JIT)
        && setup->net <= SPW_NET_ANY && is_text(setup->hostname, 64) && are_paths(&setup->libraries)
        && are_paths(&setup->reads) && are_paths(&setup->writes) && are_texts(&setup->relays, SANDBOX_RELAYS)
        && are_texts(&setup->groups, SANDBOX_GROUPS);
}

static int read_exactly(uint8_t *to, size_t count) {
    while (count > 0) {
        ssize_t got = read(SPW_FD_CONTROL, to, count);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return 0;
        to += got;
        count -= (size_t)got;
    }
    return 1;
}

int setup_read(sandbox *box) {
    uint8_t header[SPW_HEADER_SIZE];
    spw_frame frame;
    size_t consumed;
    errno = 0;
    if (!read_exactly(header, sizeof header)) _exit(0); /* the host changed its mind */
    size_t body = (size_t)header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16 | (size_t)header[3] << 24;
    if (body > SPW_SETUP_MAX) return sandbox_refuse(box, "set-up", "the host asks for more than fits");
    uint8_t *whole = malloc(sizeof header + body);
    if (whole == NULL) return sandbox_refuse(box, "set-up", "memory");
    memcpy(whole, header, sizeof header);
    if (!read_exactly(whole + sizeof header, body)) _exit(0);
    if (spw_next(whole, sizeof header + body, &frame, &consumed) != SPW_OK || frame.type != SPW_SETUP
        || spw_decode(&frame, &box->setup, sizeof box->setup, &box->arena) != SPW_OK || !check(&box->setup)) {
        errno = 0;
        return sandbox_refuse(box, "set-up", "what the host asks for cannot be read; host and worker are of different builds");
    }
    return 1; /* `whole` stays: the set-up points into it */
}
