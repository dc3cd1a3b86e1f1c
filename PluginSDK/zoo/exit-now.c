/* Calls `_exit(0)` in the middle of its work. */
#include "zoo.h"

ZOO_RUN { _exit(0); }
ZOO("exit-now")
