#include "harness/experiment.h"
