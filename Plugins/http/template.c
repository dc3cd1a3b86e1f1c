#include "template.h"

#include <jansson.h>
#include <stdio.h>

#include "assertion.h"
#include "encoding.h"
#include "secret.h"

#define MOST_VALUE_BYTES 262144
#define MOST_PLACEHOLDERS 1000 /* each is looked for among the parameters */

bool templates_read(struct templates *t, const struct parameters *p, struct request_fault *fault) {
    static const char *const places[] = {"target", "headers", "body", "form"};
    bool *const flags[] = {&t->target, &t->headers, &t->body, &t->form};
    const spindle_str *list = p->found[P_TEMPLATE];
    spindle_str item;
    size_t at = 0, i;
    memset(t, 0, sizeof *t);
    t->source = p->source;
    if (list == NULL || text_equal_nocase(list->ptr, list->len, "none")) {
        if (p->members[F_TEMPLATE] == 0) return true;
        return request_fail(fault, "Template",
                            "values are given as Template_NAME, but not where they go: target, headers, body, form");
    }
    while (text_next_item(list->ptr, list->len, &at, &item.ptr, &item.len)) {
        for (i = 0; i < 4 && !text_equal_nocase(item.ptr, item.len, places[i]); i++) {
        }
        if (i == 4) return request_fail(fault, "Template", "has to list some of target, headers, body and form, with commas");
        *flags[i] = true;
    }
    return true;
}

bool template_place_of(spindle_str type, enum template_place *place) {
    size_t length = 0;
    while (length < type.len && type.ptr[length] != ';' && type.ptr[length] != ' ') length++;
    if (text_equal_nocase(type.ptr, length, "application/json") ||
        (length > 5 && text_equal_nocase(type.ptr + length - 5, 5, "+json"))) {
        *place = TEMPLATE_JSON;
    } else if (text_equal_nocase(type.ptr, length, "application/x-www-form-urlencoded")) {
        *place = TEMPLATE_FORM;
    } else if (text_equal_nocase(type.ptr, length, "application/xml") || text_equal_nocase(type.ptr, length, "text/xml") ||
               (length > 4 && text_equal_nocase(type.ptr + length - 4, 4, "+xml"))) {
        *place = TEMPLATE_XML;
    } else if (text_equal_nocase(type.ptr, length, "text/plain")) {
        *place = TEMPLATE_TEXT;
    } else {
        return false;
    }
    return true;
}

/* Length of "{NAME}" at `at`, or 0. Other braces, such as those of JSON, are left alone. */
static size_t placeholder(spindle_str text, size_t at) {
    size_t i;
    if (at >= text.len || text.ptr[at] != '{') return 0;
    for (i = at + 1; i < text.len && text.ptr[i] != '}'; i++) {
        char c = ascii_lower(text.ptr[i]);
        bool digit = (c >= '0' && c <= '9') || c == '.' || c == '-';
        if (!((c >= 'a' && c <= 'z') || c == '_' || (digit && i > at + 1))) return 0;
    }
    return i < text.len && i > at + 1 ? i + 1 - at : 0;
}

/* One number, true, false or null: what may stand in JSON without quotes and cannot bring structure with it. */
static bool json_scalar(spindle_str value) {
    struct buffer text = {.data = (char *)value.ptr, .length = value.len};
    json_t *read = json_of_body(&text);
    bool scalar = read != NULL && (json_is_number(read) || json_is_boolean(read) || json_is_null(read));
    json_decref(read);
    return scalar;
}

struct expansion {
    const struct templates *templates;
    enum template_place place;
    struct buffer *out;
    bool in_string; /* of JSON */
    size_t authority_end; /* of a target: where path and query begin */
};

static const char *put_value(struct expansion *e, spindle_str value, size_t at) {
    switch (e->place) {
    case TEMPLATE_TARGET:
        if (at < e->authority_end) return "a value may stand in the path and the query only, never before them";
        if (value.len == 0 && memchr(e->out->data, '?', e->out->length) == NULL) {
            return "the value is empty, and a path without it is another one";
        }
        encode_percent(e->out, value.ptr, value.len);
        return NULL;
    case TEMPLATE_FORM: encode_form(e->out, value.ptr, value.len); return NULL;
    case TEMPLATE_TEXT: buffer_append(e->out, value.ptr, value.len); return NULL;
    case TEMPLATE_XML:
        return encode_xml(e->out, value.ptr, value.len) ? NULL : "the value is too long, or holds what XML cannot";
    case TEMPLATE_JSON:
        if (e->in_string) {
            buffer_json_escaped(e->out, value.ptr, value.len, value.len);
            return NULL;
        }
        if (!json_scalar(value)) return "without quotes around it the value has to be a number, true, false or null";
        buffer_append(e->out, value.ptr, value.len);
        return NULL;
    }
    return NULL;
}

static bool replace(struct expansion *e, spindle_str name, size_t at, spindle_str holder, struct request_fault *fault) {
    const spindle_str *given = parameter_of(e->templates->source, F_TEMPLATE, name);
    char message[200];
    const char *error = NULL;
    struct buffer value;
    buffer_init(&value, MOST_VALUE_BYTES);
    if (given == NULL) error = "there is no parameter of that name";
    else if (e->place == TEMPLATE_TARGET && secret_is(*given)) error = "a secret does not belong into a URL, which is logged";
    else if (secret_expand(e->templates->source, *given, &value, &error)) {
        if (secret_is(*given) && e->templates->secret != NULL) *e->templates->secret = true;
        error = put_value(e, spindle_str_make(value.data == NULL ? "" : value.data, value.length), at);
    }
    buffer_wipe(&value);
    if (error == NULL) return true;
    snprintf(message, sizeof message, "{%.*s}, Template_%.*s: %s", name.len < 40 ? (int)name.len : 40, name.ptr,
             name.len < 40 ? (int)name.len : 40, name.ptr, error);
    return request_fail_as(fault, "http.template", holder, message);
}

/* "." and ".." are letters of a path, but parsers of URLs take them for steps. */
static bool steps(const struct buffer *target) {
    const char *end = target->data + strcspn(target->data, "?#"), *at;
    for (at = target->data; at < end; at++) {
        const char *next = at + 1;
        int dots = 0;
        if (*at != '/') continue;
        while (next < end && (*next == '.' || (end - next >= 3 && next[0] == '%' && next[1] == '2' && ascii_lower(next[2]) == 'e'))) {
            next += *next == '.' ? 1 : 3;
            dots++;
        }
        if ((dots == 1 || dots == 2) && (next == end || *next == '/')) return true;
    }
    return false;
}

static size_t authority_end(spindle_str target) {
    size_t i = 0;
    while (i + 3 <= target.len && memcmp(target.ptr + i, "://", 3) != 0) i++;
    for (i += 3; i < target.len && target.ptr[i] != '/' && target.ptr[i] != '?' && target.ptr[i] != '#'; i++) {
    }
    return i;
}

static bool check_result(struct expansion *e, spindle_str holder, struct request_fault *fault) {
    if (e->out->failed) return request_fail_as(fault, "http.template", holder, "it is too long with the values put in");
    if (e->place == TEMPLATE_TARGET && steps(e->out)) {
        return request_fail_as(fault, "http.template", holder, "with the values put in, a part of the path is . or ..");
    }
    if (e->place == TEMPLATE_JSON) {
        json_t *read = json_of_body(e->out);
        json_decref(read);
        if (read == NULL) return request_fail_as(fault, "http.template", holder, "with the values put in, it is not JSON");
    }
    return true;
}

bool template_expand(const struct templates *templates, enum template_place place, spindle_str text, spindle_str holder,
                     struct buffer *out, struct request_fault *fault) {
    struct expansion e = {.templates = templates, .place = place, .out = out, .authority_end = authority_end(text)};
    size_t at = 0, count = 0;
    buffer_append(out, "", 0); /* the result of an empty text is a text too */
    while (at < text.len) {
        size_t length = placeholder(text, at);
        /* "{{NAME}}" is "{NAME}" itself. */
        size_t quoted = text.ptr[at] == '{' ? placeholder(text, at + 1) : 0;
        if (quoted > 0 && at + 1 + quoted < text.len && text.ptr[at + 1 + quoted] == '}') {
            buffer_append(out, text.ptr + at + 1, quoted);
            at += quoted + 2;
        } else if (length > 0) {
            if (++count > MOST_PLACEHOLDERS) {
                return request_fail_as(fault, "http.template", holder, "more than 1000 values would be put in");
            }
            if (!replace(&e, spindle_str_make(text.ptr + at + 1, length - 2), at, holder, fault)) return false;
            at += length;
        } else {
            size_t step = text.ptr[at] == '\\' && e.in_string && at + 1 < text.len ? 2 : 1;
            if (text.ptr[at] == '"') e.in_string = !e.in_string;
            buffer_append(out, text.ptr + at, step);
            at += step;
        }
    }
    return check_result(&e, holder, fault);
}
