#include "datasets/statistics_file.h"
