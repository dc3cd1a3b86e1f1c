/* Scripts: by the name of an interpreter, by the first line, as a text and as a file. */
#include "host.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_file(char *path, size_t size, const char *name, const char *text, mode_t mode) {
    FILE *file;
    snprintf(path, size, "%s/%s", scratch, name);
    file = fopen(path, "we");
    fputs(text, file);
    fclose(file);
    chmod(path, mode);
}

static void by_first_line(void *plain) {
    expect_output(start(plain, "", "Script", "#!/bin/sh\necho $1", "Arg0", "a b", NULL), "a b\n", "sh");
    expect_output(start(plain, "", "Script", "#!/usr/bin/env python3\nimport sys\nprint(sys.argv[1:])", "args", "[\"-x\"]", NULL),
                  "['-x']\n", "env python3");
    expect_output(start(plain, "", "Script", "#!/usr/bin/env -S perl -w -s\nprint \"$x\"", "Arg0", "-x=7", NULL), "7", "env -S");
    expect_output(start(plain, "", "Script", "#!/nowhere/bash\r\necho here", NULL), "here\n", "where it lies is for path to say");
    expect_output(start(plain, "", "ScriptFrom", "payload", "<", "#!/bin/bash\ncat; echo end", NULL), "end\n", "payload");
    /* Shell wins over the first line, and the first line over what a shell is given otherwise. */
    expect_output(start(plain, "", "Shell", "perl", "Script", "#!/usr/bin/perl\nprint 5", NULL), "5", "both");
    expect_output(start(plain, "", "Script", "#!/bin/bash\nfalse; echo ${undefined}on", NULL), "on\n", "without -eu");
}

static void texts(void *plain) {
    size_t size = 200000;
    char *large = malloc(size + 100);
    struct attempt *a;
    memset(large, '#', size);
    strcpy(large + size, "\necho \"${0##*/}\" \"$(stat -c %a \"$0\")\" \"$(cat)\"");
    expect_output(start(plain, "", "Shell", "bash", "Script", large, "<", "input", NULL), ".script.sh 600 input\n", "200 KB");
    free(large);
    expect_output(start(plain, "", "Shell", "python3", "Script", "import sys; print(sys.argv[0].rsplit('/')[-1], __name__)", NULL),
                  ".script.py __main__\n", "a file of its own");
    /* Nothing of the text is on a command line, where everybody can read it. */
    expect_output(start(plain, "", "Shell", "bash", "Script", "tr '\\0' ' ' </proc/$$/cmdline | grep -c needle || true # needle", NULL),
                  "0\n", "command line");
    a = start(plain, "", "Shell", "bash", "Script", "rm \"$0\"; mkdir \"$0\"; touch \"$0/x\"; echo gone", NULL);
    expect(a, SPINDLE_SUCCESS, "", "a script that puts a directory in its own place");
    CHECK(strcmp(metadata(a, "directoryRemains"), "") == 0, "remains");
    attempt_free(a);
    expect_output(start(plain, "", "Shell", "bash", "Script", "", NULL), "", "an empty text");
}

static void files(void *plain) {
    char path[4200], config[9000];
    void *instance;
    struct attempt *a;
    write_file(path, sizeof path, "report.py", "import sys\nprint('file', sys.argv[1:])\n", 0644);
    expect_output(start(plain, path, "Shell", "python3", "Arg0", "x", NULL), "file ['x']\n", "a file that is not executable");
    write_file(path, sizeof path, "itself.sh", "#!/bin/sh -e\necho kernel $1\n", 0755);
    expect_output(start(plain, path, "Arg0", "x", NULL), "kernel x\n", "#! of a file is the kernel's");
    snprintf(config, sizeof config, "{\"programs\":[\"%s\"],\"shells\":[\"bash\"]}", path);
    instance = host_create(config);
    expect_output(start(instance, path, "Shell", "bash", "Arg0", "y", NULL), "kernel y\n", "a listed file by a listed shell");
    a = start(instance, path, "Shell", "sh", NULL);
    expect(a, SPINDLE_PERMANENT, "script.parameters", "a shell that is not listed");
    attempt_free(a);
    a = start(instance, "/etc/passwd", "Shell", "bash", NULL);
    expect(a, SPINDLE_PERMANENT, "script.denied", "a file that is not listed");
    attempt_free(a);
    host_destroy(instance);
}

/* PowerShell is not here: what it would be given is. */
static void powershell(void) {
    char path[4200], config[9000];
    void *instance;
    write_file(path, sizeof path, "pwsh", "#!/bin/bash\nprintf '<%s>' \"${@:1:3}\" \"${4##*/}\" \"${@:5}\"; cat \"$4\"\n", 0755);
    snprintf(config, sizeof config, "{\"path\":\"%s:/usr/bin:/bin\"}", scratch);
    instance = host_create(config);
    expect_output(start(instance, "", "Shell", "pwsh", "Script", "exit 3", "args", "[\"-Name\",\"; rm\"]", NULL),
                  "<-NoProfile><-NonInteractive><-File><.script.ps1><-Name><; rm>exit 3", "pwsh");
    host_destroy(instance);
}

void tests_interpreters(void) {
    void *plain = host_create("{}");
    by_first_line(plain);
    texts(plain);
    files(plain);
    powershell();
    host_destroy(plain);
}
