#include "datasets/images.h"
