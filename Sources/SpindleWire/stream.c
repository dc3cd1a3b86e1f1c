/* Bytes in and out of a socket, a batch a system call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "SpindleWire.h"

enum { READ_SIZE = 64 * 1024 };

void spw_buffer_free(spw_buffer *buffer) {
    free(buffer->data);
    *buffer = (spw_buffer){ 0 };
}

void spw_buffer_wipe(spw_buffer *buffer) {
    if (buffer->capacity > buffer->length) explicit_bzero(buffer->data + buffer->length, buffer->capacity - buffer->length);
}

void spw_buffer_consume(spw_buffer *buffer, size_t count) {
    buffer->length -= count;
    if (buffer->length > 0) memmove(buffer->data, buffer->data + count, buffer->length);
}

void spw_input_free(spw_input *input) {
    free(input->data);
    *input = (spw_input){ 0 };
}

/* Room for READ_SIZE bytes behind what is there, which moves to the front. */
static int make_room(spw_input *input) {
    if (input->length == 0) input->start = 0;
    if (input->capacity - input->start - input->length >= READ_SIZE) return SPW_OK;
    if (input->start > 0) memmove(input->data, input->data + input->start, input->length);
    input->start = 0;
    if (input->capacity - input->length >= READ_SIZE) return SPW_OK;
    size_t capacity = input->capacity == 0 ? 2 * READ_SIZE : 2 * input->capacity;
    uint8_t *data = realloc(input->data, capacity);
    if (data == NULL) return SPW_E_MEMORY;
    input->data = data;
    input->capacity = capacity;
    return SPW_OK;
}

int spw_input_fill(spw_input *input, int fd, int *drained) {
    if (make_room(input) != SPW_OK) return SPW_E_MEMORY;
    size_t end = input->start + input->length;
    size_t room = input->capacity - end;
    ssize_t got;
    do {
        got = read(fd, input->data + end, room);
    } while (got < 0 && errno == EINTR);
    if (got == 0) return SPW_CLOSED;
    if (got < 0) {
        *drained = 1;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return SPW_MORE;
        return errno == ECONNRESET ? SPW_CLOSED : SPW_E_IO;
    }
    *drained = (size_t)got < room;
    input->length += (size_t)got;
    return SPW_OK;
}

int spw_input_next(spw_input *input, spw_frame *frame) {
    size_t consumed;
    if (input->length == 0) return SPW_MORE;
    int status = spw_next(input->data + input->start, input->length, frame, &consumed);
    if (status == SPW_OK) {
        input->start += consumed;
        input->length -= consumed;
    }
    return status;
}

int spw_write(int fd, spw_buffer *buffer, int dont_wait) {
    size_t done = 0;
    int status = SPW_OK;
    while (done < buffer->length) {
        ssize_t count = send(fd, buffer->data + done, buffer->length - done, MSG_NOSIGNAL | (dont_wait ? MSG_DONTWAIT : 0));
        if (count >= 0) {
            done += (size_t)count;
        } else if (errno != EINTR) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) status = SPW_MORE;
            else status = errno == EPIPE || errno == ECONNRESET ? SPW_CLOSED : SPW_E_IO;
            break;
        }
    }
    if (done > 0) spw_buffer_consume(buffer, done);
    return status;
}
