#pragma once
#include "core/device.h"
#include "core/error.h"
#include "core/tensor.h"
#include "models/weights.h"
#include "temporary.h"
#include "tensor_difference.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string>

namespace fewstep {

inline const std::filesystem::path kGolden = FEWSTEP_TEST_DATA "/towers";

inline std::map<std::string, Tensor> expected_of(const std::string& name) {
  return load_tensors(kGolden / name / "expected.safetensors");
}

// The difference between run() with all threads and with one.
inline double difference_between_thread_counts(const std::function<Tensor()>& run) {
  const int threads = at::get_num_threads();
  const Tensor many = run();
  at::set_num_threads(1);
  const Tensor one = run();
  at::set_num_threads(threads);
  return relative_difference(one, many);
}

// A copy of a golden folder that a test may spoil.
inline void copy_case(const std::string& name, const std::filesystem::path& to) {
  using Options = std::filesystem::copy_options;
  std::filesystem::copy(kGolden / name, to, Options::recursive | Options::overwrite_existing);
}

// Replaces text in a file; fails the test where it is not found.
inline void edit(const std::filesystem::path& file, const std::string& from, const std::string& to) {
  std::stringstream content;
  content << std::ifstream(file).rdbuf();
  std::string text = content.str();
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from << " is not in " << file;
  std::ofstream(file) << text.replace(at, from.size(), to);
}

// cuda:0 where it works; tests named OnCuda skip elsewhere.
inline std::optional<Compute> cuda() {
  try {
    return Compute{parse_device("cuda:0"), at::kFloat};
  } catch (const Error&) {
    return {};
  }
}

}  // namespace fewstep
