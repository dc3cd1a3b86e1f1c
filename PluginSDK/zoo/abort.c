/* Calls `abort`, as a failed assertion or an uncaught exception does. */
#include "zoo.h"

ZOO_RUN { abort(); }
ZOO("abort")
