/* Logs 200,000 lines as fast as it can. */
#include "zoo.h"

ZOO_RUN {
    for (int i = 0; i < 200000; i++) spindle_log(request, SPINDLE_LOG_INFO, "one of very many lines that say nothing at all");
    return zoo_succeed(request);
}
ZOO("log-flood")
