#include "SpindleWire.h"
