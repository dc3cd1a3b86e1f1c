#include <spindle/executor.h>
__attribute__((visibility("default"))) const void *spindle_executor_factory_v1(void);
const void *spindle_executor_factory_v1(void) { return 0; }
