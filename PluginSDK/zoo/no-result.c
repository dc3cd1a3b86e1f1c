/* Returns OK without having completed. */
#include "zoo.h"

ZOO_RUN { return SPINDLE_OK; }
ZOO("no-result")
