#include "core/device.h"
#include "core/error.h"
#include "core/tensor.h"
#include "temporary.h"

#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

namespace fewstep {
namespace {

bool has_cuda() { return parse_device("auto").is_cuda(); }

TEST(Device, IsReadFromItsName) {
  EXPECT_EQ(parse_device("cpu"), at::Device(at::kCPU));
  for (const auto* name : {"gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:99999999999", ""}) {
    EXPECT_FEWSTEP_ERROR(parse_device(name), ExitCode::kUsage, "expected auto, cpu or cuda:N");
  }
}

TEST(Device, SaysWhatToDoWhereCudaIsMissing) {
  if (has_cuda()) GTEST_SKIP() << "this machine has CUDA";
  EXPECT_EQ(parse_device("auto"), at::Device(at::kCPU));
  EXPECT_FEWSTEP_ERROR(parse_device("cuda:0"), ExitCode::kEnvironment, "expected a CUDA device for cuda:0, but ");
  EXPECT_FEWSTEP_ERROR(parse_device("cuda"), ExitCode::kEnvironment, "use --device cpu");
}

TEST(Device, ComputesOnCuda) {
  if (!has_cuda()) GTEST_SKIP() << "no CUDA device";
  const at::Device device = parse_device("cuda:0");
  EXPECT_EQ(at::arange(5).to(device).sum().item<int>(), 10);
  EXPECT_FEWSTEP_ERROR(parse_device("cuda:127"), ExitCode::kEnvironment, "expected cuda:127, got");
}

}  // namespace
}  // namespace fewstep
