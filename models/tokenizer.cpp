#include "models/tokenizer.h"
