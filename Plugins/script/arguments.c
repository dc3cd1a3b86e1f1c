/* From parameters to argv. */
#include "planning.h"

#include "json.h"

#include <string.h>

static int find_script(struct planning *p, spindle_str *script) {
    const spindle_kv *from = p->given[NAME_SCRIPT_FROM];
    const spindle_kv *inline_text = p->given[NAME_SCRIPT];
    if (from != NULL && spindle_str_is(from->value, "payload")) {
        if (inline_text != NULL) return plan_refuse(p, inline_text, "Script and ScriptFrom=payload exclude each other");
        *script = p->request->payload;
        p->plan->input = spindle_str_make(NULL, 0);
        if (str_holds_nul(*script)) return plan_refuse(p, from, "the payload holds a NUL: it is not the text of a script");
        inline_text = from;
    } else if (from != NULL && !spindle_str_is(from->value, "parameter")) {
        return plan_refuse(p, from, "ScriptFrom must be parameter or payload");
    } else if (inline_text == NULL) {
        return plan_refuse(p, p->given[NAME_SHELL], "Shell needs a text: give Script, or ScriptFrom=payload");
    } else {
        *script = inline_text->value;
    }
    if (script->len > PLAN_MAX_STRING) {
        return plan_refuse(p, inline_text, "the script has %zu bytes; Linux takes at most %zu as one argument: install it as a "
                      "file and run that", script->len, PLAN_MAX_STRING);
    }
    return 0;
}

static int read_arguments(struct planning *p, const struct json **list) {
    const spindle_kv *args = p->given[NAME_ARGS];
    const struct json *item;
    char why[120];
    size_t index = 0;
    if (args == NULL) return 0;
    *list = json_read(&p->plan->arena, args->value, why, sizeof why);
    if (*list == NULL) return plan_refuse(p, args, "args must be a JSON array of strings: %s", why);
    if ((*list)->kind != JSON_ARRAY) {
        return plan_refuse(p, args, "args must be a JSON array of strings, not %s", json_kind_name(*list));
    }
    for (item = (*list)->first; item != NULL; item = item->next, index++) {
        if (item->kind != JSON_STRING) {
            return plan_refuse(p, args, "argument %zu must be a string, not %s", index, json_kind_name(item));
        }
        if (str_holds_nul(item->text)) return plan_refuse(p, args, "argument %zu holds a NUL", index);
        if (item->text.len > PLAN_MAX_STRING) return plan_refuse(p, args, "argument %zu is over 128 KiB", index);
    }
    return 0;
}

int plan_arguments(struct planning *p) {
    const struct json *list = NULL;
    const struct json *item;
    spindle_str script = { NULL, 0 };
    size_t count, at = 0, i;
    char **argv;
    bool failed = false;
    if (p->shell != NULL && find_script(p, &script) != 0) return -1;
    if (read_arguments(p, &list) != 0) return -1;
    count = (list == NULL ? 0 : list->count) + p->numbered_count;
    if (p->shell != NULL && !p->shell->takes_arguments && count > 0) {
        return plan_refuse(p, p->given[NAME_SHELL], "%s would run arguments as code; use other parameters, which the script "
                      "sees as SPINDLE_PARAM_…", p->shell->name);
    }
    argv = arena_alloc(&p->plan->arena, (count + 12) * sizeof *argv);
    if (argv == NULL) return problem_memory(p->problem);
    p->plan->arguments = argv;
    argv[at++] = arena_copy(&p->plan->arena, p->plan->program, strlen(p->plan->program));
    if (p->shell != NULL) {
        const char *const *option;
        for (option = p->shell->options; *option != NULL; option++) {
            argv[at++] = arena_copy(&p->plan->arena, *option, strlen(*option));
        }
        argv[at++] = arena_copy(&p->plan->arena, script.ptr, script.len);
        if (p->shell->before_arguments != NULL) {
            argv[at++] = arena_copy(&p->plan->arena, p->shell->before_arguments, strlen(p->shell->before_arguments));
        }
    }
    for (item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
        argv[at++] = arena_copy(&p->plan->arena, item->text.ptr, item->text.len);
    }
    for (i = 0; i < p->numbered_count; i++) {
        if (p->numbered[i]->value.len > PLAN_MAX_STRING) return plan_refuse(p, p->numbered[i], "it is over 128 KiB");
        argv[at++] = arena_copy(&p->plan->arena, p->numbered[i]->value.ptr, p->numbered[i]->value.len);
    }
    for (i = 0; i < at; i++) failed = failed || argv[i] == NULL;
    return failed ? problem_memory(p->problem) : 0;
}
