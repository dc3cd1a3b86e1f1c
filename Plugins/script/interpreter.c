/* What is run: the program that the target names, or the interpreter of a file or of a text that the job brought. */
#include "planning.h"

#include <string.h>
#include <unistd.h>

#define SHEBANG_WORDS 16

/* The text, from the parameter or the payload; *from: the parameter to blame. */
static int find_body(struct planning *p, const spindle_kv **blame) {
    const spindle_kv *from = p->given[NAME_SCRIPT_FROM];
    const spindle_kv *text = p->given[NAME_SCRIPT];
    *blame = text != NULL ? text : from;
    if (*blame == NULL) return 0;
    if (p->target.len > 0) {
        return plan_refuse(p, *blame, "the text of a script and the program \"%.*s\" exclude each other: leave the target empty",
                           shown(p->target.len), p->target.ptr);
    }
    if (from == NULL || spindle_str_is(from->value, "parameter")) {
        if (text == NULL) return plan_refuse(p, from, "ScriptFrom=parameter needs the text in the parameter Script");
        p->plan->body = text->value;
    } else if (!spindle_str_is(from->value, "payload")) {
        return plan_refuse(p, from, "ScriptFrom must be parameter or payload");
    } else if (text != NULL) {
        return plan_refuse(p, text, "Script and ScriptFrom=payload exclude each other");
    } else {
        p->plan->body = p->request->payload;
        p->plan->input = spindle_str_make(NULL, 0);
        if (str_holds_nul(p->plan->body)) {
            return plan_refuse(p, from, "the payload holds a NUL: it is not the text of a script");
        }
    }
    if (!p->config->inline_texts) {
        return problem_set(p->problem, "script.denied", NULL,
                           "this executor takes no texts of scripts from jobs; \"inline\": true in its configuration allows them");
    }
    p->plan->has_body = true;
    return 0;
}

static int find_shell(struct planning *p, const spindle_kv *blame, spindle_str name) {
    char list[200];
    struct text text = { list, 0, sizeof list };
    size_t i;
    for (i = 0; i < shell_count; i++) {
        if (spindle_str_is(name, shell_names[i]) && (p->config->shells & (UINT32_C(1) << i)) != 0) {
            p->shell = &shell_table[i];
            p->plan->body_suffix = p->shell->suffix;
            return 0;
        }
    }
    shell_list(p->config->shells, &text);
    return plan_refuse(p, blame, "the interpreter \"%.*s\" is not offered here; offered: %.*s", shown(name.len),
                       name.len == 0 ? "" : name.ptr, (int)text.len, list);
}

/* "#!/usr/bin/env -S python3 -u" gives python3 and its words. Where the interpreter lies is for `path` to say, not for the
 * text of a job. */
static int read_shebang(struct planning *p, const spindle_kv *blame) {
    const char *at = p->plan->body.ptr + 2;
    const char *end = memchr(at, '\n', p->plan->body.len - 2);
    spindle_str words[SHEBANG_WORDS];
    size_t count = 0, first = 0, i;
    const char *slash;
    if (end == NULL) end = p->plan->body.ptr + p->plan->body.len;
    while (at < end) {
        const char *start;
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) at++;
        for (start = at; at < end && *at != ' ' && *at != '\t' && *at != '\r';) at++;
        if (at == start) break;
        if (count == SHEBANG_WORDS) return plan_refuse(p, blame, "the first line has more than %d words", SHEBANG_WORDS);
        words[count++] = spindle_str_make(start, (size_t)(at - start));
    }
    if (count > 0) {
        slash = memrchr(words[0].ptr, '/', words[0].len);
        if (slash != NULL) words[0] = spindle_str_make(slash + 1, words[0].len - (size_t)(slash + 1 - words[0].ptr));
        if (spindle_str_is(words[0], "env")) first = count > 1 && spindle_str_is(words[1], "-S") ? 2 : 1;
    }
    if (first >= count) return plan_refuse(p, blame, "the first line names no interpreter; write #!/usr/bin/env python3, or give Shell");
    if (find_shell(p, blame, words[first]) != 0) return -1;
    p->shebang_count = count - first - 1;
    p->shebang = arena_alloc(&p->plan->arena, (p->shebang_count + 1) * sizeof *p->shebang);
    if (p->shebang == NULL) return problem_memory(p->problem);
    for (i = 0; i < p->shebang_count; i++) {
        p->shebang[i] = arena_copy(&p->plan->arena, words[first + 1 + i].ptr, words[first + 1 + i].len);
        if (p->shebang[i] == NULL) return problem_memory(p->problem);
    }
    return 0;
}

static int find_interpreter(struct planning *p) {
    const spindle_kv *shell = p->given[NAME_SHELL];
    const spindle_kv *blame;
    if (find_body(p, &blame) != 0) return -1;
    if (shell != NULL) {
        if (!p->plan->has_body && p->target.len == 0) {
            return plan_refuse(p, shell, "Shell needs something to run: a file as the target, or Script, or ScriptFrom=payload");
        }
        return find_shell(p, shell, shell->value);
    }
    if (!p->plan->has_body) return 0;
    if (p->plan->body.len > 2 && memcmp(p->plan->body.ptr, "#!", 2) == 0) return read_shebang(p, blame);
    return plan_refuse(p, blame, "the text of a script needs the parameter Shell, such as bash, or #! in its first line");
}

int plan_program(struct planning *p) {
    struct arena *arena = &p->plan->arena;
    const char *target = NULL;
    if (find_interpreter(p) != 0) return -1;
    if (p->target.len == 0 && p->shell == NULL) {
        return problem_set(p->problem, "script.target", NULL,
                           "no program: give it as the target, or a script by the parameters Shell and Script");
    }
    if (p->target.len > 0) {
        target = program_find(p->config, arena, p->target, p->shell != NULL ? R_OK : X_OK, p->problem);
        if (target == NULL) return -1;
        if (!program_allowed(p->config, target)) {
            return problem_set(p->problem, "script.denied", NULL,
                               "%.*s is not in the list of programs that this executor may run", shown(strlen(target)), target);
        }
    }
    p->plan->program = target;
    if (p->shell == NULL) return 0;
    p->file = target;
    p->plan->program = program_find(p->config, arena, spindle_str_from_cstr(p->shell->name), X_OK, p->problem);
    return p->plan->program == NULL ? -1 : 0;
}
