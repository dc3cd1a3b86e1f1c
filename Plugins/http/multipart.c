/* Hands the parts of a form to libcurl. */
#include <stdio.h>
#include <unistd.h>

#include "body.h"

static size_t read_part(char *to, size_t size, size_t count, void *context) {
    struct part *part = context;
    size_t room = size * count, left = (size_t)(part->size - part->at);
    ssize_t got;
    if (room > left) room = left;
    if (room == 0) return 0;
    if (part->fd < 0) {
        memcpy(to, part->payload.ptr + part->at, room);
        got = (ssize_t)room;
    } else {
        got = pread(part->fd, to, room, (off_t)part->at);
    }
    /* The length was told already: a file that shrank meanwhile cannot be sent as another one. */
    if (got <= 0) return CURL_READFUNC_ABORT;
    part->at += got;
    return (size_t)got;
}

static int seek_part(void *context, curl_off_t offset, int origin) {
    struct part *part = context;
    if (origin != SEEK_SET || offset < 0 || offset > part->size) return CURL_SEEKFUNC_FAIL;
    part->at = offset;
    return CURL_SEEKFUNC_OK;
}

static bool add(curl_mime *mime, struct part *part) {
    curl_mimepart *made = curl_mime_addpart(mime);
    if (made == NULL || curl_mime_name(made, part->name) != CURLE_OK) return false;
    if (!part->is_file) {
        return curl_mime_data(made, part->text.data == NULL ? "" : part->text.data, part->text.length) == CURLE_OK;
    }
    part->at = 0;
    return curl_mime_data_cb(made, part->size, read_part, seek_part, NULL, part) == CURLE_OK &&
           curl_mime_filename(made, part->file_name) == CURLE_OK && curl_mime_type(made, part->file_type) == CURLE_OK;
}

curl_mime *body_mime(struct body *body, CURL *easy) {
    curl_mime *mime = curl_mime_init(easy);
    size_t i;
    for (i = 0; mime != NULL && i < body->part_count; i++) {
        if (add(mime, &body->parts[i])) continue;
        curl_mime_free(mime);
        mime = NULL;
    }
    return mime;
}
