/* Nothing to call: the target only has to be linked. */
#pragma once
