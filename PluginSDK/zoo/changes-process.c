/* Changes directory, umask, variables, locale, signals and limits; its next attempt looks whether they are still so. */
#include <locale.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "zoo.h"

ZOO_RUN {
    struct rlimit limit = { 0, 0 };
    if (getenv("ZOO_WAS_HERE") != NULL) return zoo_fail(request, "zoo.still-changed");
    if (chdir("/") != 0 || setenv("ZOO_WAS_HERE", "1", 1) != 0) return zoo_fail(request, "zoo.change");
    umask(0);
    setlocale(LC_ALL, "C");
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_DFL);
    setrlimit(RLIMIT_FSIZE, &limit);
    return zoo_succeed(request);
}
ZOO("changes-process")
