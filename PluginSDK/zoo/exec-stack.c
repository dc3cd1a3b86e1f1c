/* Asks for a stack that can be executed (linked with -z execstack). */
#include "zoo.h"

ZOO_RUN { return zoo_succeed(request); }
ZOO("exec-stack")
