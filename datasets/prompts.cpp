#include "datasets/prompts.h"
