#include "samplers/registry.h"
