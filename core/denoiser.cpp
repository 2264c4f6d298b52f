#include "core/denoiser.h"
