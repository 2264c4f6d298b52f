#include "metrics/feature_statistics.h"
