#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stops at the first failure by itself is told to: a script that goes on after one hides it. */
const struct shell shell_table[] = {
    { "bash", ".sh", { "-euo", "pipefail", NULL } },
    { "sh", ".sh", { "-eu", NULL } },
    { "python3", ".py", { NULL } },
    { "node", ".js", { NULL } },
    { "perl", ".pl", { NULL } },
    { "ruby", ".rb", { NULL } },
    { "pwsh", ".ps1", { "-NoProfile", "-NonInteractive", "-File", NULL } },
};
const char *const shell_names[] = { "bash", "sh", "python3", "node", "perl", "ruby", "pwsh" };
const size_t shell_count = sizeof shell_table / sizeof *shell_table;

void shell_list(uint32_t shells, struct text *text) {
    const char *separator = "";
    size_t i;
    for (i = 0; i < shell_count; i++) {
        if ((shells & (UINT32_C(1) << i)) == 0) continue;
        text_format(text, "%s%s", separator, shell_table[i].name);
        separator = ", ";
    }
    if (*separator == 0) text_format(text, "none");
}

bool program_allowed(const struct config *config, const char *program) {
    size_t i;
    if (config->any_program) return true;
    for (i = 0; i < config->program_count; i++) {
        /* Text against text: a path with ".." or a link of the job's own making is another text. */
        if (strcmp(config->programs[i], program) == 0) return true;
    }
    return false;
}

/* 0 if the file can be run, else why not. What exec would find out anyway, but before anything was set up. */
static int runnable(const char *path, int mode) {
    struct stat status;
    if (stat(path, &status) != 0) return errno;
    if (S_ISDIR(status.st_mode)) return EISDIR;
    if (!S_ISREG(status.st_mode)) return EACCES;
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0 : errno;
}

static int not_runnable(struct problem *problem, const char *path, int mode, int error) {
    int result;
    const char *hint = error == ENOENT   ? "; install it or correct the name"
                       : error != EACCES ? ""
                       : mode == X_OK    ? "; it must be a regular file with the permission to execute it"
                                         : "; it must be a regular file with the permission to read it";
    result = problem_set(problem, "script.exec", NULL, "%.*s cannot be run: %s%s", shown(strlen(path)), path,
                         strerror(error), hint);
    /* A full table of files or a broken disk says nothing about the job. */
    if (error == EMFILE || error == ENFILE || error == ENOMEM || error == EIO || error == ESTALE) {
        problem->outcome = SPINDLE_RETRYABLE;
    }
    return result;
}

static const char *find_in_path(const struct config *config, struct arena *arena, spindle_str name, int mode,
                                struct problem *problem) {
    const char *at = config->path;
    const char *refused = NULL;
    int refusal = 0;
    for (;;) {
        size_t len = strcspn(at, ":");
        char *path = arena_alloc(arena, len + name.len + 2);
        int error;
        if (path == NULL) {
            (void)problem_memory(problem);
            return NULL;
        }
        memcpy(path, at, len);
        path[len] = '/';
        memcpy(path + len + 1, name.ptr, name.len);
        error = runnable(path, mode);
        if (error == 0) return path;
        if (error != ENOENT && error != ENOTDIR && error != EISDIR && refused == NULL) {
            refused = path;
            refusal = error;
        }
        at += len;
        if (*at++ == 0) break;
    }
    if (refused != NULL) {
        (void)not_runnable(problem, refused, mode, refusal);
    } else {
        (void)problem_set(problem, "script.exec", NULL,
                          "there is no program \"%.*s\" in %s; install it, or name it by its absolute path",
                          shown(name.len), name.ptr, config->path);
    }
    return NULL;
}

const char *program_find(const struct config *config, struct arena *arena, spindle_str name, int mode,
                         struct problem *problem) {
    const char *path;
    int error;
    if (name.len == 0 || name.len > 4000 || str_holds_nul(name)) {
        (void)problem_set(problem, "script.target", NULL,
                          "the target must be the absolute path of a program or a name without '/'");
        return NULL;
    }
    if (memchr(name.ptr, '/', name.len) == NULL) return find_in_path(config, arena, name, mode, problem);
    if (name.ptr[0] != '/') {
        (void)problem_set(problem, "script.target", NULL,
                          "the target \"%.*s\" is a relative path; write an absolute one, or a bare name to look it up "
                          "in %s",
                          shown(name.len), name.ptr, config->path);
        return NULL;
    }
    path = arena_copy(arena, name.ptr, name.len);
    if (path == NULL) {
        (void)problem_memory(problem);
        return NULL;
    }
    /* First the list: whether a file outside it exists is nobody's business. */
    if (!program_allowed(config, path)) return path;
    error = runnable(path, mode);
    if (error == 0) return path;
    (void)not_runnable(problem, path, mode, error);
    return NULL;
}

int config_check(const struct config *config, struct problem *problem) {
    size_t i;
    if (faccessat(AT_FDCWD, config->temp_directory, W_OK | X_OK, AT_EACCESS) != 0) {
        return problem_set(problem, "script.workdir", "/tempDirectory", "%s cannot be used: %s", config->temp_directory,
                           strerror(errno));
    }
    for (i = 0; i < config->program_count; i++) {
        if (faccessat(AT_FDCWD, config->programs[i], X_OK, AT_EACCESS) != 0) {
            char pointer[40];
            (void)snprintf(pointer, sizeof pointer, "/programs/%zu", i);
            return problem_set(problem, "script.exec", pointer, "%s cannot be run: %s", config->programs[i],
                               strerror(errno));
        }
    }
    return 0;
}
