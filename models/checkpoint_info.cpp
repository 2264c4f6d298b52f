#include "models/checkpoint_info.h"
