#include "body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "encoding.h"
#include "secret.h"

#define MOST_TYPE_BYTES 1024
#define MOST_FIELD_BYTES 262144

static bool out_of_memory(struct request_fault *fault) {
    request_fail(fault, "", "out of memory");
    fault->status = SPINDLE_E_BUSY;
    return false;
}

static bool put_type(struct body *body, spindle_str type, struct request_fault *fault) {
    return buffer_append(&body->type, type.ptr, type.len) || request_fail(fault, "ContentType", "it is longer than 1024 bytes");
}

static bool read_bytes(struct body *body, const struct parameters *p, const struct templates *templates,
                       struct request_fault *fault) {
    const spindle_str *text = p->found[P_BODY], *type = p->found[P_CONTENT_TYPE];
    spindle_str json = SPINDLE_STR("application/json"), octets = SPINDLE_STR("application/octet-stream");
    spindle_str own_type = SPINDLE_STR("Content-Type");
    const spindle_str *header = parameter_of(p->source, F_HEADER, own_type);
    enum template_place place;
    if (text != NULL && p->source->payload.len > 0) {
        return request_fail(fault, "Body", "the job has a payload too; only one of them can be the body");
    }
    if (text == NULL && p->source->payload.len == 0) {
        if (!templates->body) return true;
        return request_fail(fault, "Template", "the job has no body to put values into");
    }
    body->kind = BODY_BYTES;
    body->bytes = text != NULL ? *text : p->source->payload;
    if (type == NULL) type = text != NULL ? &json : p->source->content_type.len > 0 ? &p->source->content_type : &octets;
    if (!put_type(body, *type, fault)) return false;
    if (!templates->body) return true;
    if (!template_place_of(header != NULL ? *header : *type, &place)) {
        return request_fail(fault, "Template",
                            "how values are written is known for bodies of JSON, XML, forms (x-www-form-urlencoded) and text/plain");
    }
    if (!template_expand(templates, place, body->bytes, spindle_str_from_cstr(text != NULL ? "Body" : ""), &body->own, fault)) {
        return false;
    }
    body->bytes = spindle_str_make(body->own.data, body->own.length);
    return true;
}

/* The value of a Form_NAME with its secret and its templates. */
static bool field(struct body *body, const struct templates *templates, const spindle_kv *parameter, struct buffer *value,
                  struct request_fault *fault) {
    const char *error;
    buffer_init(value, MOST_FIELD_BYTES);
    /* A value that refers to a secret is no template: what is put in could name another secret. */
    if (templates->form && !secret_is(parameter->value)) {
        return template_expand(templates, TEMPLATE_TEXT, parameter->value, parameter->key, value, fault);
    }
    body->secret = body->secret || secret_is(parameter->value);
    return secret_expand(templates->source, parameter->value, value, &error) ||
           request_fail_as(fault, "http.parameter", parameter->key, error);
}

static bool read_form(struct body *body, const struct parameters *p, const struct templates *templates,
                      struct request_fault *fault) {
    size_t i;
    body->kind = BODY_BYTES;
    for (i = 0; i < p->source->parameter_count; i++) {
        const spindle_kv *parameter = &p->source->parameters[i];
        spindle_str name;
        struct buffer value;
        bool read;
        if (!parameter_member(parameter, F_FORM, &name)) continue;
        read = field(body, templates, parameter, &value, fault);
        if (read) {
            if (body->own.length > 0) buffer_text(&body->own, "&");
            encode_form(&body->own, name.ptr, name.len);
            buffer_text(&body->own, "=");
            encode_form(&body->own, value.data, value.length);
        }
        buffer_wipe(&value);
        if (!read) return false;
    }
    if (body->own.failed) return request_fail(fault, "", "the form is longer than 1 MiB");
    body->bytes = spindle_str_make(body->own.data, body->own.length);
    return put_type(body, spindle_str_from_cstr("application/x-www-form-urlencoded"), fault);
}

static char *copy(spindle_str text) {
    return strndup(text.ptr == NULL ? "" : text.ptr, text.len);
}

/* Names end up in quotes in a header of the part; libcurl escapes quotes, but control characters have no place there. */
static bool plain(spindle_str text) {
    size_t i;
    for (i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F) return false;
    }
    return true;
}

static bool file_part(struct part *part, const struct parameters *p, const struct config *config, const spindle_kv *parameter,
                      spindle_str name, struct request_fault *fault) {
    const spindle_str *file_name = parameter_of(p->source, F_FILE_NAME, name);
    const spindle_str *type = parameter_of(p->source, F_FILE_TYPE, name);
    spindle_str shown = parameter->value, octets = SPINDLE_STR("application/octet-stream");
    const char *error;
    part->is_file = true;
    if (spindle_str_is(parameter->value, "payload")) {
        part->payload = p->source->payload;
        part->size = (int64_t)part->payload.len;
        if (type == NULL && p->source->content_type.len > 0) type = &p->source->content_type;
    } else {
        size_t i;
        part->fd = upload_open(config->uploads, parameter->value, config->max_upload_bytes, &part->size, &error);
        /* What the machine lacks just now is no fault of the job. */
        if (part->fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO)) {
            request_fail_as(fault, "http.internal", parameter->key, "the file cannot be opened just now");
            fault->status = SPINDLE_E_BUSY;
            return false;
        }
        if (part->fd < 0) return request_fail_as(fault, "http.file", parameter->key, error);
        for (i = shown.len; i > 0 && shown.ptr[i - 1] != '/'; i--) {
        }
        shown = spindle_str_make(shown.ptr + i, shown.len - i);
    }
    if (file_name != NULL) shown = *file_name;
    if (type == NULL) type = &octets;
    if (!plain(shown) || !plain(*type)) {
        return request_fail_as(fault, "http.parameter", parameter->key, "name or type of the file holds a control character");
    }
    part->file_name = copy(shown);
    part->file_type = copy(*type);
    return (part->file_name != NULL && part->file_type != NULL) || out_of_memory(fault);
}

static bool read_multipart(struct body *body, const struct parameters *p, const struct templates *templates,
                           const struct config *config, struct request_fault *fault) {
    size_t i, total = 0;
    body->kind = BODY_MULTIPART;
    if (p->members[F_FORM] + p->members[F_FILE] > BODY_MOST_PARTS) return request_fail(fault, "", "the form has more than 256 fields");
    body->parts = calloc(p->members[F_FORM] + p->members[F_FILE], sizeof *body->parts);
    if (body->parts == NULL) return out_of_memory(fault);
    for (i = 0; i < p->source->parameter_count; i++) {
        const spindle_kv *parameter = &p->source->parameters[i];
        struct part *part;
        spindle_str name;
        bool is_file = parameter_member(parameter, F_FILE, &name);
        if (!is_file && !parameter_member(parameter, F_FORM, &name)) continue;
        part = &body->parts[body->part_count++];
        part->fd = -1;
        part->name = copy(name);
        if (part->name == NULL) return out_of_memory(fault);
        if (is_file ? !file_part(part, p, config, parameter, name, fault)
                    : !field(body, templates, parameter, &part->text, fault)) {
            return false;
        }
        total += part->text.length;
        if (total > SPINDLE_MAX_PAYLOAD_BYTES) return request_fail(fault, "", "the fields of the form have more than 1 MiB");
    }
    return true;
}

static bool payload_is_file(const struct parameters *p) {
    size_t i;
    spindle_str name;
    for (i = 0; i < p->source->parameter_count; i++) {
        if (parameter_member(&p->source->parameters[i], F_FILE, &name) &&
            spindle_str_is(p->source->parameters[i].value, "payload")) {
            return true;
        }
    }
    return false;
}

/* FileName_x and FileType_x without File_x would silently do nothing. */
static bool check_files(const struct parameters *p, struct request_fault *fault) {
    size_t i;
    spindle_str name;
    for (i = 0; i < p->source->parameter_count; i++) {
        const spindle_kv *parameter = &p->source->parameters[i];
        if ((parameter_member(parameter, F_FILE_NAME, &name) || parameter_member(parameter, F_FILE_TYPE, &name)) &&
            parameter_of(p->source, F_FILE, name) == NULL) {
            return request_fail_as(fault, "http.parameter", parameter->key, "there is no File_ of that name");
        }
    }
    return true;
}

static bool has_own_type(const struct parameters *p) {
    spindle_str name = SPINDLE_STR("Content-Type");
    return p->found[P_CONTENT_TYPE] != NULL || parameter_of(p->source, F_HEADER, name) != NULL;
}

bool body_read(struct body *body, const struct parameters *p, const struct templates *templates, const struct config *config,
               struct request_fault *fault) {
    bool form = p->members[F_FORM] > 0 || p->members[F_FILE] > 0;
    buffer_init(&body->own, SPINDLE_MAX_PAYLOAD_BYTES);
    buffer_init(&body->type, MOST_TYPE_BYTES);
    if (!check_files(p, fault)) return false;
    if (!form) {
        if (templates->form) return request_fail(fault, "Template", "the job has no Form_NAME to put values into");
        return read_bytes(body, p, templates, fault);
    }
    if (p->found[P_BODY] != NULL || (p->source->payload.len > 0 && !payload_is_file(p))) {
        return request_fail(fault, p->found[P_BODY] != NULL ? "Body" : "", "a form is a body already; only one of them can be sent");
    }
    if (templates->body) return request_fail(fault, "Template", "a form has no body of its own; say form");
    if (has_own_type(p)) return request_fail(fault, "ContentType", "a form has a content type of its own");
    return p->members[F_FILE] > 0 ? read_multipart(body, p, templates, config, fault) : read_form(body, p, templates, fault);
}

void body_free(struct body *body) {
    size_t i;
    for (i = 0; i < body->part_count; i++) {
        struct part *part = &body->parts[i];
        free(part->name);
        free(part->file_name);
        free(part->file_type);
        buffer_wipe(&part->text);
        if (part->fd >= 0) close(part->fd);
    }
    free(body->parts);
    body->parts = NULL;
    body->part_count = 0;
    buffer_wipe(&body->own);
    buffer_free(&body->type);
}
