/* Raises SIGILL, as a trap of Swift or Rust does. */
#include "zoo.h"

ZOO_RUN {
    raise(SIGILL);
    return zoo_succeed(request);
}
ZOO("trap")
