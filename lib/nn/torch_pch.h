// Precompiled: LibTorch's headers alone cost every file that sees them 10 to 30 seconds.
#include <torch/torch.h>
