#include "failure.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool take(spindle_str *text, const char *mark) {
    size_t length = strlen(mark);
    while (text->len > 0 && *text->ptr == ' ') text->ptr++, text->len--;
    if (text->len < length || memcmp(text->ptr, mark, length) != 0) return false;
    text->ptr += length;
    text->len -= length;
    return true;
}

static bool take_number(spindle_str *text, double *number) {
    size_t length = 0;
    json_t *value;
    while (text->len > 0 && *text->ptr == ' ') text->ptr++, text->len--;
    while (length < text->len && text->ptr[length] != ',' && text->ptr[length] != ' ') length++;
    value = json_loadb(text->ptr, length, JSON_DECODE_ANY, NULL);
    if (!json_is_number(value)) {
        json_decref(value);
        return false;
    }
    *number = json_number_value(value);
    json_decref(value);
    text->ptr += length;
    text->len -= length;
    return true;
}

int failure_read(struct failure *failure, spindle_str text, const char *code, const char *pointer, struct problem *problem) {
    static const struct { const char *mark; enum comparison comparison; } marks[] = { /* the longer ones first */
        { "==", COMPARE_EQUAL }, { "!=", COMPARE_UNEQUAL }, { "<=", COMPARE_LESS_EQUAL }, { ">=", COMPARE_GREATER_EQUAL },
        { "<", COMPARE_LESS }, { ">", COMPARE_GREATER },
    };
    spindle_str rest = text;
    size_t i = 0;
    while (i < sizeof marks / sizeof *marks && !take(&rest, marks[i].mark)) i++;
    if (i == sizeof marks / sizeof *marks) goto wrong;
    failure->comparison = marks[i].comparison;
    failure->operand = take(&rest, "null") ? OPERAND_NULL : take(&rest, "nan") ? OPERAND_NAN : OPERAND_NUMBER;
    if (failure->operand == OPERAND_NUMBER && !take_number(&rest, &failure->number)) goto wrong;
    if (failure->operand != OPERAND_NUMBER && failure->comparison > COMPARE_UNEQUAL) goto wrong;
    (void)snprintf(failure->text, sizeof failure->text, "%.*s", (int)(text.len - rest.len > 60 ? 60 : text.len - rest.len),
                   text.ptr);
    if (take(&rest, ",")) {
        if (!take(&rest, "errno")) goto wrong;
        failure->use_errno = true;
    }
    (void)take(&rest, "");
    if (rest.len > 0) goto wrong;
    failure->declared = true;
    return 0;
wrong:
    return problem_set(
        problem, code, pointer,
        "\"%.*s\" does not say when the function has failed; write \"< 0\", \"!= 0\", \"== null\", \"== nan\" or so, and "
        "\"< 0, errno\" if errno tells why",
        shown(text.len), text.len == 0 ? "" : text.ptr);
}

static bool is_pointer(const struct item *result) {
    return result->shape != SHAPE_ONE || result->type->kind == KIND_CSTR || result->type->kind == KIND_PTR;
}

int failure_check(const struct failure *failure, const struct item *result, struct problem *problem) {
    enum kind kind = result->type->kind;
    bool fits = failure->operand == OPERAND_NULL ? is_pointer(result)
                : failure->operand == OPERAND_NAN ? !is_pointer(result) && kind == KIND_REAL
                : !is_pointer(result) && (kind == KIND_INTEGER || kind == KIND_ENUM || kind == KIND_BOOL || kind == KIND_REAL);
    if (!failure->declared || fits) return 0;
    return problem_set(problem, "native.signature", NULL, "\"%s\" cannot be said of the result, which is %s", failure->text,
                       is_pointer(result) ? "a pointer" : result->type->name);
}

static bool compare(enum comparison comparison, bool less, bool equal) {
    switch (comparison) {
    case COMPARE_EQUAL: return equal;
    case COMPARE_UNEQUAL: return !equal;
    case COMPARE_LESS: return less;
    case COMPARE_LESS_EQUAL: return less || equal;
    case COMPARE_GREATER: return !less && !equal;
    default: return !less;
    }
}

bool failure_met(const struct failure *failure, const struct item *result, const void *at) {
    const struct type *type = result->type;
    const void *pointer;
    long double number;
    if (!failure->declared) return false;
    if (is_pointer(result)) {
        memcpy(&pointer, at, sizeof pointer);
        return (pointer == NULL) == (failure->comparison == COMPARE_EQUAL);
    }
    number = number_read(type, at);
    if (failure->operand == OPERAND_NAN) return __builtin_isnan(number) == (failure->comparison == COMPARE_EQUAL);
    /* A NaN is neither less nor equal nor greater. */
    if (__builtin_isnan(number)) return failure->comparison == COMPARE_UNEQUAL;
    return compare(failure->comparison, number < failure->number, number == failure->number);
}

bool errno_is_passing(int number) {
    static const int passing[] = {
        EAGAIN, EINTR, ENOMEM, EBUSY, ENFILE, EMFILE, ENOBUFS, ETIMEDOUT, ECONNREFUSED, ECONNRESET, ECONNABORTED, ENETDOWN,
        ENETUNREACH, EHOSTUNREACH, EHOSTDOWN, EIO, ENOSPC, EDQUOT, ENOLCK, EDEADLK, ETXTBSY, EPIPE, ESTALE,
    };
    size_t i;
    for (i = 0; i < sizeof passing / sizeof *passing; i++) {
        if (passing[i] == number) return true;
    }
    return false;
}
