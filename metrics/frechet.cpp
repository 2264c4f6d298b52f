#include "metrics/frechet.h"
