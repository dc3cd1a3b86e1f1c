#include "config.h"

#include <string.h>

static void list_functions(const struct config *config, char *list, size_t size) {
    const struct function *function;
    size_t at = 0;
    list[0] = 0;
    for (function = config->functions; function != NULL; function = function->next) {
        size_t length = strlen(function->name);
        if (at + length + 5 >= size) {
            memcpy(list + at, ", …", sizeof ", …");
            return;
        }
        if (at > 0) list[at++] = ',', list[at++] = ' ';
        memcpy(list + at, function->name, length + 1);
        at += length;
    }
}

static struct library *find_library(const struct config *config, spindle_str name) {
    struct library *library;
    for (library = config->allowed; library != NULL; library = library->next) {
        if (spindle_str_is(name, library->name)) return library;
    }
    return NULL;
}

static const char *make_label(spindle_str library, spindle_str symbol, struct arena *arena) {
    char *label = arena_alloc(arena, library.len + symbol.len + 2);
    if (label == NULL) return NULL;
    memcpy(label, library.ptr, library.len);
    label[library.len] = '!';
    memcpy(label + library.len + 1, symbol.ptr, symbol.len);
    return label;
}

struct function *function_inline(const struct config *config, spindle_str text, struct arena *arena, struct problem *problem) {
    const char *mark = memchr(text.ptr, '!', text.len);
    spindle_str name = spindle_str_make(text.ptr, (size_t)(mark - text.ptr)), symbol;
    struct function *function = arena_alloc(arena, sizeof *function);
    struct scanner s = { .text = text.ptr, .at = mark + 1, .end = text.ptr + text.len, .arena = arena, .problem = problem };
    if (function == NULL) return problem_memory(problem, arena), NULL;
    function->library = find_library(config, name);
    if (function->library == NULL) {
        (void)problem_set(
            problem, "native.denied", NULL,
            config->allowed == NULL
                ? "the library \"%.*s\" is not allowed; none is, until an operator puts it into \"libraries\" of the "
                  "configuration, or the function into \"functions\" (in the sidecar: config: {libraries: [libm.so.6]})"
                : "the library \"%.*s\" is not in \"libraries\" of the configuration; an operator can put it there, or "
                  "the function into \"functions\"",
            shown(name.len), name.ptr);
        return NULL;
    }
    symbol = scan_name(&s);
    if (symbol.len == 0) return (void)scan_fail(&s, "the name of a function follows the \"!\""), NULL;
    function->symbol = arena_copy(arena, symbol.ptr, symbol.len);
    function->label = make_label(name, symbol, arena);
    if (function->symbol == NULL || function->label == NULL) return problem_memory(problem, arena), NULL;
    return signature_read(&function->signature, &s) == 0 ? function : NULL;
}

const struct function *function_find(const struct config *config, spindle_str text, struct arena *arena, struct problem *problem) {
    const struct function *function;
    char list[400];
    if (text.len >= 7 && memcmp(text.ptr, "native:", 7) == 0) text = spindle_str_make(text.ptr + 7, text.len - 7);
    if (text.len > 0 && memchr(text.ptr, 0, text.len) != NULL) {
        (void)problem_set(problem, "native.target", NULL, "the function's name has a NUL character");
        return NULL;
    }
    for (function = config->functions; function != NULL; function = function->next) {
        if (spindle_str_is(text, function->name)) return function;
    }
    if (text.len > 0 && memchr(text.ptr, '!', text.len) != NULL) return function_inline(config, text, arena, problem);
    list_functions(config, list, sizeof list);
    if (text.len == 0) {
        (void)problem_set(problem, "native.target", NULL,
                          "no function is named; write native:LIBRARY!FUNCTION(TYPES)->TYPE, or one of: %s",
                          list[0] == 0 ? "(none)" : list);
    } else {
        (void)problem_set(
            problem, "native.denied", NULL,
            "there is no function \"%.*s\" in \"functions\" of the configuration, which has: %s; what is written out needs "
            "a \"!\", as in native:libm.so.6!pow(f64,f64)->f64",
            shown(text.len), text.ptr, list[0] == 0 ? "(none)" : list);
    }
    return NULL;
}
