/* Returns a status from `execute` that does not exist. */
#include "zoo.h"

ZOO_RUN { return -7777; }
ZOO("unknown-status")
