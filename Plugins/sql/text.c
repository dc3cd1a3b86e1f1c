#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static bool make_room(struct text *text, size_t more) {
    size_t room = text->room == 0 ? 256 : text->room;
    char *data;
    if (text->lost || more > SIZE_MAX / 4 - text->length) {
        text->lost = true;
        return false;
    }
    while (room < text->length + more + 1) room *= 2;
    if (room == text->room) return true;
    /* Not realloc: what is moved may be a secret, and the old place must be overwritten then. */
    data = malloc(room);
    if (data == NULL) {
        text->lost = true;
        return false;
    }
    if (text->length > 0) memcpy(data, text->data, text->length);
    if (text->data != NULL) explicit_bzero(text->data, text->length);
    free(text->data);
    data[text->length] = 0;
    text->data = data;
    text->room = room;
    return true;
}

void text_add(struct text *text, const char *bytes, size_t length) {
    if (!make_room(text, length)) return;
    if (length > 0) memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = 0;
}

void text_put(struct text *text, const char *string) { text_add(text, string, strlen(string)); }

void text_format(struct text *text, const char *format, ...) {
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !make_room(text, (size_t)length)) return;
    va_start(arguments, format);
    (void)vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

void text_cut(struct text *text, size_t length) {
    if (length >= text->length) return;
    text->length = length;
    text->data[length] = 0;
}

void text_free(struct text *text) {
    free(text->data);
    memset(text, 0, sizeof *text);
}

void text_wipe(struct text *text) {
    if (text->data != NULL) explicit_bzero(text->data, text->room);
    text_free(text);
}

bool str_is_nocase(spindle_str text, const char *name) {
    size_t length = strlen(name);
    return text.len == length && (length == 0 || strncasecmp(text.ptr, name, length) == 0);
}

bool problem_set(struct problem *problem, const char *code, const char *pointer, const char *format, ...) {
    va_list arguments;
    problem_free(problem);
    problem->outcome = SPINDLE_PERMANENT;
    (void)snprintf(problem->code, sizeof problem->code, "%s", code);
    (void)snprintf(problem->pointer, sizeof problem->pointer, "%s", pointer == NULL ? "" : pointer);
    va_start(arguments, format);
    (void)vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    return false;
}

bool problem_memory(struct problem *problem) {
    (void)problem_set(problem, "sql.internal", NULL, "there is not enough memory");
    problem->outcome = SPINDLE_RETRYABLE;
    return false;
}

void problem_free(struct problem *problem) {
    free(problem->details);
    memset(problem, 0, sizeof *problem);
}
