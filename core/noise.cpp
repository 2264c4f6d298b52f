#include "core/noise.h"
