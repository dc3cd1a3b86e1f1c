/* Takes memory and writes to it, up to 256 MiB. */
#include "zoo.h"

enum { MIB = 1 << 20 };

ZOO_RUN {
    static char *pieces[256];
    int count = 0;
    while (count < 256 && (pieces[count] = malloc(MIB)) != NULL) memset(pieces[count++], 1, MIB);
    int got_all = count == 256;
    while (count > 0) free(pieces[--count]);
    return got_all ? zoo_succeed(request) : zoo_fail(request, "zoo.no-memory");
}
ZOO("heap-bomb")
