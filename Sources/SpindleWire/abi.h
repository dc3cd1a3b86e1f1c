/* The plugin ABI. By path, so that this library builds wherever the header's own target is not a dependency. */
#pragma once

#include "../../PluginSDK/c/include/spindle/executor.h"
#include "../../PluginSDK/c/include/spindle/trigger.h"
