/* From parameters to argv. */
#include "planning.h"

#include "values.h"

#include <string.h>

#define MAX_ARGUMENTS 10000

/* *list: a new reference, or NULL. */
static int read_arguments(struct planning *p, json_t **list) {
    const spindle_kv *args = p->given[NAME_ARGS];
    json_error_t why;
    json_t *item;
    size_t index;
    if (args == NULL) return 0;
    *list = json_loadb(args->value.ptr, args->value.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (*list == NULL) return plan_refuse(p, args, "args must be a JSON array of strings: %s", why.text);
    if (!json_is_array(*list)) return plan_refuse(p, args, "args must be a JSON array of strings, not %s", json_kind(*list));
    if (json_array_size(*list) > MAX_ARGUMENTS) return plan_refuse(p, args, "args has more than %d elements", MAX_ARGUMENTS);
    json_array_foreach(*list, index, item) {
        if (!json_is_string(item)) return plan_refuse(p, args, "argument %zu must be a string, not %s", index, json_kind(item));
        if (str_holds_nul(json_text(item))) return plan_refuse(p, args, "argument %zu holds a NUL", index);
        if (json_string_length(item) > PLAN_MAX_STRING) return plan_refuse(p, args, "argument %zu is over 128 KiB", index);
    }
    return 0;
}

struct writing {
    struct planning *p;
    char **argv;
    size_t count;
    bool no_memory;
};

static void put(struct writing *w, spindle_str text) {
    char *copy = arena_copy(&w->p->plan->arena, text.ptr, text.len);
    w->no_memory = w->no_memory || copy == NULL;
    w->argv[w->count++] = copy;
}

/* Options and the file. The path of a text that came with the job is known only when its directory is there. */
static void put_interpreted(struct writing *w) {
    struct planning *p = w->p;
    size_t i;
    if (p->shebang != NULL) {
        for (i = 0; i < p->shebang_count; i++) put(w, spindle_str_from_cstr(p->shebang[i]));
        /* What follows it PowerShell takes as it is: a file and its arguments. */
        if (strcmp(p->shell->name, "pwsh") == 0) put(w, SPINDLE_STR("-File"));
    } else {
        for (i = 0; p->shell->options[i] != NULL; i++) put(w, spindle_str_from_cstr(p->shell->options[i]));
    }
    p->plan->body_argument = w->count;
    put(w, spindle_str_from_cstr(p->file));
}

static int write_argv(struct planning *p, const json_t *list) {
    struct writing w = { .p = p };
    const json_t *item;
    size_t i;
    w.argv = arena_alloc(&p->plan->arena,
                         (json_array_size(list) + p->numbered_count + p->shebang_count + 12) * sizeof *w.argv);
    if (w.argv == NULL) return problem_memory(p->problem);
    put(&w, spindle_str_from_cstr(p->plan->program));
    if (p->shell != NULL) put_interpreted(&w);
    json_array_foreach(list, i, item) put(&w, json_text(item));
    for (i = 0; i < p->numbered_count; i++) {
        if (p->numbered[i]->value.len > PLAN_MAX_STRING) return plan_refuse(p, p->numbered[i], "it is over 128 KiB");
        put(&w, p->numbered[i]->value);
    }
    p->plan->arguments = w.argv;
    return w.no_memory ? problem_memory(p->problem) : 0;
}

int plan_arguments(struct planning *p) {
    json_t *list = NULL;
    int result = read_arguments(p, &list);
    if (result == 0) result = write_argv(p, list);
    json_decref(list);
    return result;
}
