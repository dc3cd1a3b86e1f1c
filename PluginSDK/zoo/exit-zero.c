/* Calls `exit(0)`: that is no success. */
#include "zoo.h"

ZOO_RUN { exit(0); }
ZOO("exit-zero")
