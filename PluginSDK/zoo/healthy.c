/* Does nothing wrong: where it does not succeed, the zoo proves nothing. */
#include "zoo.h"

ZOO_RUN { return zoo_succeed(request); }
ZOO("healthy")
