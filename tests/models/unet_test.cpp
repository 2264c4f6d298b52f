#include "models/unet.h"

#include "core/device.h"
#include "core/error.h"
#include "models/golden.h"
#include "temporary.h"
#include "warnings.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <c10/core/InferenceMode.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>

namespace fewstep {
namespace {

constexpr double kBound = 1e-5;  // of the largest value; float32 rounding alone is about 1e-6

struct UnetCase {
  std::string name, folder;
};
void PrintTo(const UnetCase& unet, std::ostream* out) { *out << unet.name; }

class UnetGolden : public testing::TestWithParam<UnetCase> {
 protected:
  Unet load(const Compute& compute = {}) const { return load_unet(golden_folder() / GetParam().folder, compute); }
  std::map<std::string, Tensor> tensors = golden("models/unet-" + GetParam().name + ".safetensors");
  Tensor run(const Unet& unet) const {
    const auto omega = tensors.find("omega_embedding");
    return forward(unet, tensors.at("x"), tensors.at("time"), tensors.at("context"),
                   omega == tensors.end() ? Tensor() : omega->second);
  }
};

TEST_P(UnetGolden, EqualsDiffusersOnPackedWeights) {
  const c10::InferenceMode inference;
  EXPECT_NEAR_GOLDEN(run(load()), tensors.at("out"), kBound);
}

TEST_P(UnetGolden, EqualsDiffusersOnPlainWeightsUnderAutograd) {
  EXPECT_NEAR_GOLDEN(run(load()), tensors.at("out"), kBound);
}

TEST_P(UnetGolden, EqualsDiffusersOnCuda) {
  const auto device = [] {
    try {
      return parse_device("cuda:0");
    } catch (const Error&) {
      return at::Device(at::kCPU);
    }
  }();
  if (device.is_cpu()) GTEST_SKIP() << "no CUDA device here";
  const c10::InferenceMode inference;
  EXPECT_NEAR_GOLDEN(run(load({device, at::kFloat})), tensors.at("out"), kBound);
}

TEST_P(UnetGolden, IsCloseInBfloat16) {
  const c10::InferenceMode inference;
  const double difference = relative_difference(run(load({at::kCPU, at::kBFloat16})), tensors.at("out"));
  EXPECT_LE(difference, 0.08);
  EXPECT_GT(difference, 1e-5) << "this is not bfloat16";
}

TEST_P(UnetGolden, DoesNotDependOnBatchOrThreads) {
  const c10::InferenceMode inference;
  const Unet unet = load();
  const Tensor both = run(unet);
  const auto omega = tensors.find("omega_embedding");
  std::vector<Tensor> single;
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  for (std::int64_t b = 0; b < 2; ++b) {
    const auto row = [b](const Tensor& x) { return x.slice(0, b, b + 1); };
    single.push_back(forward(unet, row(tensors.at("x")), row(tensors.at("time")), row(tensors.at("context")),
                             omega == tensors.end() ? Tensor() : row(omega->second)));
  }
  at::set_num_threads(threads);
  EXPECT_LE(relative_difference(at::cat(single), both), kBound);
}

INSTANTIATE_TEST_SUITE_P(Architectures, UnetGolden,
                         testing::Values(UnetCase{"sd15", "checkpoints/sd15/unet"},
                                         UnetCase{"sd21-v", "checkpoints/sd21-v/unet"},
                                         UnetCase{"lcm", "checkpoints/lcm/unet"},
                                         UnetCase{"guided-distill", "checkpoints/guided-distill/unet"},
                                         UnetCase{"no-mid-block", "models/no-mid-block"},
                                         UnetCase{"two-layers", "models/two-layers"},
                                         UnetCase{"two-layers-odd", "models/two-layers"}),
                         [](const auto& unet_case) {
                           std::string name = unet_case.param.name;
                           std::erase(name, '-');
                           return name;
                         });

// The exponential of the frequencies differs in its last bit between instruction sets and vendors, so an angle of
// another machine is off by an ulp (4.9e-4 from 4,096, 9.8e-4 from 8,192), and its sine and cosine by as much. On one
// machine diffusers and fewstep agree to the bit (make parity).
TEST(EmbedOmega, EqualsDiffusersWithinAnUlpOfTheAngle) {
  const auto tensors = golden("models/omega.safetensors");
  const Tensor omega = tensors.at("omega");
  for (const int dim : {32, 33, 256}) {
    const Tensor ours = embed_omega(omega, dim), theirs = tensors.at("embedding-" + std::to_string(dim));
    ASSERT_EQ(ours.sizes(), theirs.sizes());
    const int half = dim / 2;
    for (int row = 0; row < omega.size(0); ++row) {
      for (int column = 0; column < dim; ++column) {
        const auto place = [&] {
          return "dim " + std::to_string(dim) + " [" + std::to_string(row) + "," + std::to_string(column) +
                 "]; remake with: make golden";
        };
        const double difference = ours[row][column].item<double>() - theirs[row][column].item<double>();
        if (column == 2 * half) {  // an odd size ends with a zero
          EXPECT_EQ(ours[row][column].item<float>(), 0) << place();
          continue;
        }
        const double frequency = std::exp(-std::log(10000.0) * (column % half) / (half - 1));
        const auto angle = static_cast<float>(1000.0 * omega[row].item<double>() * frequency);
        const double ulp = std::nextafter(angle, std::numeric_limits<float>::infinity()) - angle;
        EXPECT_LE(std::abs(difference), ulp + std::numeric_limits<float>::epsilon()) << place();
      }
    }
  }
}

TEST(Unet, RefusesAnOmegaEmbeddingThatItsConfigurationDoesNotHave) {
  const Unet teacher = load_unet(golden_folder() / "checkpoints/sd15/unet", {});
  const Tensor x = at::ones({1, 4, 8, 8}), time = at::ones({1}), context = at::ones({1, 16, 16});
  EXPECT_FEWSTEP_ERROR(forward(teacher, x, time, context, at::ones({1, 32})), ExitCode::kInput, "no omega embedding");
  const Unet student = load_unet(golden_folder() / "checkpoints/lcm/unet", {});
  EXPECT_FEWSTEP_ERROR(forward(student, x, time, context), ExitCode::kInput, "expected an omega embedding");
}

nlohmann::json sd15_config() {
  std::ifstream file(golden_folder() / "checkpoints/sd15/unet/config.json");
  return nlohmann::json::parse(file);
}

TEST(UnetConfig, RefusesUnsupportedValuesByName) {
  const TemporaryFolder folder;
  const std::pair<const char*, nlohmann::json> changes[] = {
      {"class_embed_type", "timestep"},
      {"dual_cross_attention", true},
      {"act_fn", "mish"},
      {"encoder_hid_dim", 8},
      {"only_cross_attention", true},
      {"resnet_time_scale_shift", "scale_shift"},
      {"conv_in_kernel", 5},
      {"addition_embed_type", "text_time"},
      {"num_attention_heads", 4},
      {"transformer_layers_per_block", nlohmann::json::array({1, 2})}};
  for (const auto& [key, value] : changes) {
    auto config = sd15_config();
    config[key] = value;
    EXPECT_FEWSTEP_ERROR(read_unet_config(folder.write("config.json", config.dump())), ExitCode::kInput, key);
  }
}

TEST(UnetConfig, IgnoresKeysThatItsReferenceClassDoesNotKnowWithOneWarning) {
  const TemporaryFolder folder;
  auto config = sd15_config();
  config["some_new_key"] = 1;
  config["decay"] = 0.9999;
  config["nothing"] = nullptr;
  config["only_cross_attention"] = {false, false, false, false};  // a list of the one supported value
  config.erase("norm_eps");                                       // the class's default, 1e-5
  const Warnings warnings;
  const UnetConfig unet = read_unet_config(folder.write("config.json", config.dump()));
  EXPECT_EQ(unet.norm_eps, 1e-5);
  EXPECT_EQ(warnings.text(), "warning: [" + (folder.path() / "config.json").string() +
                                 "] ignored, as the reference does, for it knows no such keys: decay, some_new_key\n");
}

TEST(UnetConfig, ReadsASizeOfTwoNumbersAndTakesNoNoticeOfTheTypeOnDisk) {
  const TemporaryFolder folder;
  auto config = sd15_config();
  config["sample_size"] = {64, 96};
  config["torch_dtype"] = "float16";
  config["dtype"] = "bfloat16";
  const Warnings warnings;
  const UnetConfig unet = read_unet_config(folder.write("config.json", config.dump()));
  EXPECT_EQ(unet.sample_size, (std::array<std::int64_t, 2>{64, 96}));
  EXPECT_EQ(warnings.text(), "");
  EXPECT_EQ(config_json(unet).at("sample_size"), config["sample_size"]);
  config["sample_size"] = 32;
  EXPECT_EQ(read_unet_config(folder.write("config.json", config.dump())).sample_size,
            (std::array<std::int64_t, 2>{32, 32}));
  config["sample_size"] = {64};
  EXPECT_FEWSTEP_ERROR(read_unet_config(folder.write("config.json", config.dump())), ExitCode::kInput, "sample_size");
}

TEST(UnetConfig, RefusesListsThatDoNotFitEachOther) {
  const TemporaryFolder folder;
  auto config = sd15_config();
  config["block_out_channels"] = {8, 16};
  EXPECT_FEWSTEP_ERROR(read_unet_config(folder.write("config.json", config.dump())), ExitCode::kInput,
                       "down_block_types");
  config = sd15_config();
  config["attention_head_dim"] = {2, 2};
  EXPECT_FEWSTEP_ERROR(read_unet_config(folder.write("config.json", config.dump())), ExitCode::kInput,
                       "attention_head_dim");
  config = sd15_config();
  config["norm_num_groups"] = 5;
  EXPECT_FEWSTEP_ERROR(read_unet_config(folder.write("config.json", config.dump())), ExitCode::kInput,
                       "norm_num_groups");
}

TEST(Unet, NamesMissingExtraAndMisshapenWeights) {
  const auto config = read_unet_config(golden_folder() / "checkpoints/sd15/unet/config.json");
  const auto tensors = golden("checkpoints/sd15/unet/diffusion_pytorch_model.safetensors");
  auto changed = tensors;
  changed.erase("conv_norm_out.bias");
  EXPECT_FEWSTEP_ERROR(make_unet(config, changed, {}), ExitCode::kInput, "conv_norm_out.bias");
  changed = tensors;
  changed["extra.weight"] = at::ones({3});
  EXPECT_FEWSTEP_ERROR(make_unet(config, changed, {}), ExitCode::kInput, "extra.weight");
  changed = tensors;
  changed["conv_in.weight"] = at::ones({8, 5, 3, 3});
  EXPECT_FEWSTEP_ERROR(make_unet(config, changed, {}), ExitCode::kInput, "conv_in.weight");
}

}  // namespace
}  // namespace fewstep
