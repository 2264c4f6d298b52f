#include "harness/store.h"
