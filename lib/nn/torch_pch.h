// Precompiled: these headers alone cost every file that sees them 10 to 30 seconds.
#include "nn/torch_nn.h"
