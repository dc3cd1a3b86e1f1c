/* Needs a host of a later age. */
#include "zoo.h"

ZOO_RUN { return zoo_succeed(request); }
ZOO_KIND("future-abi", .flags = 0)
ZOO_FACTORY("future-abi", .min_host_minor = UINT32_MAX)
