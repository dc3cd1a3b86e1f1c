/* Kills every process that it may kill; only where it can see no others. The parameter `outside` names the host's PID namespace. */
#include "zoo.h"

ZOO_RUN {
    char mine[64];
    spindle_str outside = spindle_param_or(request, "outside", "");
    ssize_t length = readlink("/proc/self/ns/pid", mine, sizeof mine);
    if (outside.len == 0 || length <= 0 || spindle_str_equal(outside, spindle_str_make(mine, (size_t)length))) {
        return zoo_fail(request, "zoo.not-alone");
    }
    kill(-1, SIGKILL);
    return zoo_succeed(request);
}
ZOO("kills-all")
