/* Has a destructor, and an `atexit` function, that never end. */
#include "zoo.h"

__attribute__((destructor)) static void end(void) { zoo_hang(); }

ZOO_RUN {
    if (atexit(zoo_hang) != 0) return zoo_fail(request, "zoo.atexit");
    return zoo_succeed(request);
}
ZOO("hanging-destructor")
