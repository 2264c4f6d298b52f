#include "metrics/resize.h"
