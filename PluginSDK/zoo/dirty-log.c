/* Logs what is not UTF-8, NUL, and codes that paint on a terminal. */
#include "zoo.h"

ZOO_RUN {
    static const char dirt[] = "\xff\xfe\xc0\x80 \0 \x1b[31mred\x1b]0;title\x07 \xed\xa0\x80 \xf5\x90\x80\x80";
    spindle_kv field = { SPINDLE_STR("\xff\x1b[2J"), SPINDLE_STR("\0\x9b") };
    spindle_str line = spindle_str_make(dirt, sizeof dirt - 1);
    if (request->host->log(request->ctx, request->handle, 77, line, &field, 1) < 0) return zoo_fail(request, "zoo.log");
    return spindle_succeed(request, line, "\xff\xfe");
}
ZOO("dirty-log")
