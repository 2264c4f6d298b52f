#pragma once
#include "core/tensor.h"
#include "models/weights.h"
#include "tensor_difference.h"

#include <filesystem>
#include <map>
#include <string>

namespace fewstep {

inline std::filesystem::path golden_folder() { return FEWSTEP_TEST_DATA; }

inline std::map<std::string, Tensor> golden(const std::string& file) { return load_tensors(golden_folder() / file); }

}  // namespace fewstep
