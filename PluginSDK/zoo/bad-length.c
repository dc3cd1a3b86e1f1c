/* Gives a result of SIZE_MAX bytes. */
#include "zoo.h"

ZOO_RUN { return spindle_succeed(request, spindle_str_make("few", SIZE_MAX), NULL); }
ZOO("bad-length")
