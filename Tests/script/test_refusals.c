/* What is refused: configurations, parameters, programs that cannot run. */
#include "host.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void bad_configs(void) {
    static const struct { const char *text, *pointer, *says; } cases[] = {
        { "{", "", "not JSON" },
        { "[]", "", "must be an object, not an array" },
        { "{\"tempDirectory\":\"/tmp\",}", "", "string or '}' expected" },
        { "{\"path\":\"/bin\",\"path\":\"/bin\"}", "", "duplicate object key" },
        { "{\"program\":[]}", "", "did you mean \"programs\"?" },
        { "{\"KillGraceMs\":1}", "", "did you mean \"killGraceMs\"?" },
        { "{\"zzzzzzzzzzzz\":1}", "", "is not a setting" },
        { "{\"programs\":\"/bin/sh\"}", "/programs", "an array of absolute paths, not a string" },
        { "{\"programs\":[\"/bin/sh\",\"ls\"]}", "/programs/1", "absolute" },
        { "{\"shells\":[\"bash\",\"zsh\"]}", "/shells/1", "bash, sh, python3" },
        { "{\"path\":\"/bin::/usr/bin\"}", "/path", "absolute" },
        { "{\"path\":\"/bin:.\"}", "/path", "absolute" },
        { "{\"env\":{\"A B\":\"x\"}}", "/env", "letters" },
        { "{\"env\":{\"SPINDLE_JOB\":\"x\"}}", "/env", "SPINDLE_" },
        { "{\"env\":{\"A\":1}}", "/env/A", "not a number" },
        { "{\"env\":{\"A\":\"\\u0000\"}}", "/env/A", "NUL" },
        { "{\"workingDirectory\":\"x\"}", "/workingDirectory", "absolute" },
        { "{\"tempDirectory\":1}", "/tempDirectory", "absolute" },
        { "{\"maxOutputBytes\":1048577}", "/maxOutputBytes", "from 0 to 1048576" },
        { "{\"maxOutputBytes\":1.5}", "/maxOutputBytes", "whole number" },
        { "{\"killGraceMs\":-1}", "/killGraceMs", "from 0" },
        { "{\"killGraceMs\":99999999999999999999}", "", "too big integer" },
        { "{\"killGraceMs\":3600001}", "/killGraceMs", "from 0 to 3600000" },
        { "{\"maxCpuSeconds\":0}", "/maxCpuSeconds", "from 1" },
        { "{\"maxMemoryBytes\":1000}", "/maxMemoryBytes", "from 8388608" },
        { "{\"maxOpenFiles\":3}", "/maxOpenFiles", "from 8" },
        { "{\"maxProcesses\":\"5\"}", "/maxProcesses", "whole number" },
        { "{\"maxArtefacts\":1001}", "/maxArtefacts", "from 0 to 1000" },
        { "{\"inline\":\"yes\"}", "/inline", "true or false" },
        { "{\"allowRoot\":1}", "/allowRoot", "true or false" },
        { "{\"user\":1000}", "/user", "in quotes" },
        { "{\"user\":\"\"}", "/user", "USER:GROUP" },
        { "{\"user\":\"no-such-user\"}", "/user", "no user \"no-such-user\"" },
        { "{\"user\":\"nobody:no-such-group\"}", "/user", "no group \"no-such-group\"" },
        { "{\"user\":\"4294967295:5\"}", "/user", "no user" },
        { "{\"user\":\"4242424\"}", "/user", "4242424:GID" },
        { "{\"user\":\"root\"}", "/user", "allowRoot" },
        { "{\"user\":\"0:0\"}", "/user", "allowRoot" },
        { "{\"user\":\"65534:0\"}", "/user", "root's group" },
        { "{\"orphans\":\"keep\"}", "/orphans", "\"kill\" or \"wait\"" },
        { "{\"orphanWaitMs\":1}", "/orphanWaitMs", "only with" },
        { "{\"successCodes\":\"0,256\"}", "/successCodes", "0 to 255" },
        { "{\"successCodes\":\"5-3\"}", "/successCodes", "ranges" },
        { "{\"successCodes\":\"0,\"}", "/successCodes", "ranges" },
        { "{\"successCodes\":[0]}", "/successCodes", "a string" },
        { "{\"retryableCodes\":\"1-5\",\"permanentCodes\":\"5\"}", "/permanentCodes", "exit code 5 is in two sets" },
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *instance = host_create(cases[i].text);
        CHECK(instance == NULL, "%s was taken", cases[i].text);
        if (instance != NULL) host_destroy(instance);
        CHECK(strcmp(host_error.pointer, cases[i].pointer) == 0 && strstr(host_error.message, cases[i].says) != NULL &&
              strcmp(host_error.code, "script.config") == 0,
              "%s: %s: %s", cases[i].text, host_error.pointer, host_error.message);
    }
}

/* Any bytes: refused or taken, never a crash. The seed is fixed; --long does more elsewhere. */
static void mutated_configs(void) {
    static const char seed[] = "{\"programs\":[\"/bin/sh\",\"/usr/bin/\\u00e9\"],\"shells\":[\"bash\"],\"path\":\"/a:/b\",\"env\":{\"A\":\"b\\n\"},"
                               "\"killGraceMs\":-12.5e3,\"successCodes\":\"0,3-7\",\"orphans\":\"wait\",\"tempDirectory\":\"/tmp\"}";
    static const char bytes[] = "\"\\{}[]:,0-9e.u\x80\xff\x01 a";
    unsigned state = 1, i, j;
    for (i = 0; i < 20000; i++) {
        char text[sizeof seed + 1];
        void *instance;
        memcpy(text, seed, sizeof seed);
        for (j = 0; j < 1 + i % 4; j++) {
            state = state * 1664525u + 1013904223u;
            text[state / 65536 % (sizeof seed - 1)] = bytes[state / 256 % (sizeof bytes - 1)];
        }
        instance = host_create(text);
        if (instance != NULL) host_destroy(instance);
    }
}

static void refused(void *instance, const char *target, const char *code, const char *pointer, const char *says,
                    const char *key, const char *value, const char *key2, const char *value2) {
    struct attempt *a = key == NULL    ? start(instance, target, NULL)
                        : key2 == NULL ? start(instance, target, key, value, NULL)
                                       : start(instance, target, key, value, key2, value2, NULL);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_PERMANENT && strcmp(a->code, code) == 0 && strcmp(a->pointer, pointer) == 0 &&
          strstr(a->message, says) != NULL, "%s %s=%s: outcome %d, %s at \"%s\": %s", target, key == NULL ? "" : key,
          key == NULL ? "" : value, a->outcome, a->code, a->pointer, a->message);
    attempt_free(a);
}

static void bad_parameters(void *plain) {
    const char *const p = "script.parameters";
    refused(plain, "echo", p, "/args", "JSON array", "args", "x y", NULL, NULL);
    refused(plain, "echo", p, "/args", "not an object", "args", "{}", NULL, NULL);
    refused(plain, "echo", p, "/args", "argument 1 must be a string, not a number", "args", "[\"a\",1]", NULL, NULL);
    refused(plain, "echo", p, "/args", "NUL", "args", "[\"a\\u0000b\"]", NULL, NULL);
    refused(plain, "echo", p, "/args", "not both", "args", "[]", "Arg0", "x");
    refused(plain, "echo", p, "/args", "twice", "Args", "[]", "args", "[]");
    refused(plain, "echo", p, "", "Arg0 is missing", "Arg1", "x", "region", "eu");
    refused(plain, "echo", p, "/Arg7", "without a gap", "Arg7", "x", NULL, NULL);
    refused(plain, "echo", p, "/Arg00", "leading zeros", "Arg00", "x", NULL, NULL);
    refused(plain, "echo", p, "/a_b", "SPINDLE_PARAM_a_b", "a.b", "x", "a_b", "y");
    refused(plain, "echo", p, "/WorkingDirectory", "absolute", "WorkingDirectory", "tmp", NULL, NULL);
    refused(plain, "echo", "script.workdir", "/WorkingDirectory", "No such file", "WorkingDirectory", "/no/such", NULL, NULL);
    refused(plain, "echo", "script.workdir", "/WorkingDirectory", "Not a directory", "WorkingDirectory", "/etc/passwd", NULL, NULL);
    refused(plain, "echo", p, "/SuccessCodes", "0,3,10-20", "SuccessCodes", "zero", NULL, NULL);
    refused(plain, "echo", p, "/PermanentCodes", "two sets", "SuccessCodes", "0", "PermanentCodes", "0");
    refused(plain, "echo", p, "/MaxOutputBytes", "0 to 1048576", "MaxOutputBytes", "-1", NULL, NULL);
    refused(plain, "echo", p, "/MaxOutputBytes", "0 to 1048576", "MaxOutputBytes", "1048577", NULL, NULL);
    refused(plain, "echo", p, "/MaxOutputBytes", "0 to 1048576", "MaxOutputBytes", "", NULL, NULL);
    refused(plain, "echo", p, "/Script", "exclude each other", "Shell", "bash", "Script", "x");
    refused(plain, "echo", p, "/Script", "exclude each other", "Script", "x", NULL, NULL);
    refused(plain, "", p, "/Script", "names no interpreter", "Script", "#!\necho", NULL, NULL);
    refused(plain, "", p, "/Script", "names no interpreter", "Script", "#!/usr/bin/env\necho", NULL, NULL);
    refused(plain, "", p, "/Script", "\"zsh\" is not offered here; offered: bash", "Script", "#!/bin/zsh -f\necho", NULL, NULL);
    refused(plain, "", p, "/Script", "16 words", "Script", "#!/bin/sh 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", NULL, NULL);
    refused(plain, "/no/such/file", "script.exec", "", "No such file", "Shell", "sh", NULL, NULL);
    refused(plain, "/etc", "script.exec", "", "Is a directory", "Shell", "sh", NULL, NULL);
    refused(plain, "echo", p, "/MaxCpuSeconds", "from 1 to 31536000", "MaxCpuSeconds", "0", NULL, NULL);
    refused(plain, "echo", p, "/maxmemorybytes", "from 8388608", "maxmemorybytes", "100", NULL, NULL);
    refused(plain, "echo", p, "/MaxFileBytes", "whole number", "MaxFileBytes", "99999999999999999999", NULL, NULL);
    refused(plain, "echo", p, "/MaxOpenFiles", "whole number", "MaxOpenFiles", "8x", NULL, NULL);
    refused(plain, "", p, "/Shell", "offered: bash, sh", "Shell", "zsh", "Script", "x");
    refused(plain, "", p, "/Shell", "needs something to run", "Shell", "bash", NULL, NULL);
    refused(plain, "", p, "/Script", "needs the parameter Shell", "Script", "x", NULL, NULL);
    refused(plain, "", p, "/ScriptFrom", "parameter or payload", "Shell", "bash", "ScriptFrom", "file");
    refused(plain, "", "script.target", "", "no program", NULL, NULL, NULL, NULL);
    refused(plain, "bin/echo", "script.target", "", "relative", NULL, NULL, NULL, NULL);
    refused(plain, "../echo", "script.target", "", "relative", NULL, NULL, NULL, NULL);
}

static void write_program(const char *name, const char *text, mode_t mode) {
    char path[4200];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    file = fopen(path, "we");
    fputs(text, file);
    fclose(file);
    chmod(path, mode);
}

static void bad_programs(void *plain) {
    static const struct { const char *name, *text; mode_t mode; const char *says; } cases[] = {
        { "not-executable", "#!/bin/sh\n", 0644, "Permission denied" },
        { "bad-interpreter", "#!/no/such/interpreter\n", 0755, "the interpreter in its first line" },
        { "no-shebang", "echo no shell runs this\n", 0755, "neither a program nor a script" },
        { "no-elf", "\177ELF garbage", 0755, "Exec format error" },
    };
    char path[4200];
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_program(cases[i].name, cases[i].text, cases[i].mode);
        snprintf(path, sizeof path, "%s/%s", scratch, cases[i].name);
        refused(plain, path, "script.exec", "", cases[i].says, NULL, NULL, NULL, NULL);
    }
    refused(plain, scratch, "script.exec", "", "Is a directory", NULL, NULL, NULL, NULL);
    snprintf(path, sizeof path, "%s/fifo", scratch);
    mkfifo(path, 0755);
    refused(plain, path, "script.exec", "", "regular file", NULL, NULL, NULL, NULL);
    refused(plain, "/no/such/program", "script.exec", "", "No such file", NULL, NULL, NULL, NULL);
    refused(plain, "no-such-program", "script.exec", "", "/usr/local/bin:/usr/bin:/bin", NULL, NULL, NULL, NULL);
    if (access("/usr/bin/pwsh", X_OK) != 0 && access("/usr/local/bin/pwsh", X_OK) != 0) {
        refused(plain, "", "script.exec", "", "\"pwsh\"", "Shell", "pwsh", "Script", "1");
    }
    char *large = malloc(131073);
    memset(large, 'x', 131072);
    large[131072] = 0;
    refused(plain, "echo", "script.parameters", "/Arg0", "128 KiB", "Arg0", large, NULL, NULL);
    refused(plain, "echo", "script.parameters", "/big", "payload", "big", large, NULL, NULL);
    free(large);
}

static void policy(void) {
    void *instance = host_create("{\"programs\":[\"/usr/bin/echo\",\"/no/such\"]}");
    struct attempt *a = start(instance, "/usr/bin/echo", "Arg0", "x", NULL);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_SUCCESS, "%s", a->message);
    attempt_free(a);
    refused(instance, "/usr/bin/id", "script.denied", "", "not in the list", NULL, NULL, NULL, NULL);
    refused(instance, "/usr/bin/../bin/echo", "script.denied", "", "not in the list", NULL, NULL, NULL, NULL);
    refused(instance, "id", "script.denied", "", "not in the list", NULL, NULL, NULL, NULL);
    refused(instance, "", "script.denied", "", "\"inline\": true", "Shell", "sh", "Script", "id");
    refused(instance, "/usr/bin/echo", "script.parameters", "/Shell", "offered: none", "Shell", "sh", NULL, NULL);
    refused(instance, "/usr/bin/id", "script.denied", "", "not in the list", NULL, NULL, NULL, NULL);
    CHECK(host_check(instance) == SPINDLE_E_CONFIG && strcmp(host_error.pointer, "/programs/1") == 0, "%s", host_error.message);
    host_destroy(instance);
    instance = host_create("{\"inline\":false}");
    refused(instance, "", "script.denied", "", "\"inline\": true", "Shell", "sh", "Script", "id");
    refused(instance, "", "script.denied", "", "\"inline\": true", "Shell", "sh", "ScriptFrom", "payload");
    host_destroy(instance);
    instance = host_create("{\"programs\":[\"/usr/bin/true\"],\"inline\":true,\"maxProcesses\":5}");
    a = start(instance, "", "Shell", "sh", "Script", "echo allowed", NULL);
    wait_for(a);
    CHECK(a->outcome == SPINDLE_SUCCESS && strcmp(a->output, "allowed\n") == 0, "%s", a->message);
    attempt_free(a);
    refused(instance, "/etc/group", "script.denied", "", "not in the list", "Shell", "sh", NULL, NULL);
    refused(instance, "/usr/bin/true", "script.parameters", "/MaxProcesses", "from 1 to 5", "MaxProcesses", "6", NULL, NULL);
    host_destroy(instance);
    instance = host_create("{\"shells\":[\"sh\"],\"maxOutputBytes\":10}");
    refused(instance, "", "script.parameters", "/Shell", "offered: sh", "Shell", "bash", "Script", "id");
    refused(instance, "echo", "script.parameters", "/MaxOutputBytes", "from 0 to 10", "MaxOutputBytes", "11", NULL, NULL);
    host_destroy(instance);
}

void tests_refusals(void) {
    void *plain = host_create("{}");
    bad_configs();
    mutated_configs();
    bad_parameters(plain);
    bad_programs(plain);
    policy();
    host_destroy(plain);
}
