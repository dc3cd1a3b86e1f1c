/* Crashes when its instance is made. */
#include "zoo.h"

static spindle_status create(ZOO_UNUSED const spindle_instance_config *config, ZOO_UNUSED void **instance) { abort(); }

ZOO_RUN { return zoo_succeed(request); }
ZOO("bad-create", .create = create)
