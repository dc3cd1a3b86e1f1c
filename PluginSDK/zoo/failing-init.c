/* Cannot be initialised. */
#include "zoo.h"

static spindle_status init(ZOO_UNUSED const spindle_host *host, ZOO_UNUSED spindle_host_ctx *ctx) { return SPINDLE_E_INTERNAL; }

ZOO_RUN { return zoo_succeed(request); }
ZOO_KIND("failing-init", .flags = 0)
ZOO_FACTORY("failing-init", .init = init)
