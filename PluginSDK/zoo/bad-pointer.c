/* Gives a result whose bytes lie where nothing is. */
#include "zoo.h"

ZOO_RUN { return spindle_succeed(request, spindle_str_make((const char *)8, 100), NULL); }
ZOO("bad-pointer")
