// One training step of latent consistency distillation as a server, for side-by-side times with PyTorch.
// usage: fewstep_training_step FOLDER [DEVICE [float32|bfloat16]], the teacher's UNet in diffusers layout; the student
// is a copy with an omega embedding of 64. Each input line names a safetensors file with x0, noise, states, negative,
// omega and index (of the pairs of times, k = 20); the answer is the milliseconds of loss, gradients, clipping, AdamW
// and average together.
#include "core/device.h"
#include "core/error.h"
#include "core/names.h"
#include "distill/autocast.h"
#include "distill/consistency.h"
#include "distill/network.h"
#include "distill/optimizer.h"
#include "models/checkpoint_files.h"
#include "models/weights.h"
#include "settings/recipe.h"

#include <ATen/ops/zeros.h>

#include <chrono>
#include <iostream>

namespace {

using fewstep::Tensor;
using Inputs = std::map<std::string, Tensor>;

class Training {
 public:
  Training(const std::filesystem::path& folder, at::Device device, fewstep::Precision precision)
      : device_(device), precision_(precision) {
    constexpr std::int64_t kEmbedding = 64, kSkipStep = 20;
    fewstep::UnetConfig config = fewstep::read_unet_config(folder / "config.json");
    auto tensors = fewstep::load_tensors(fewstep::find_weights(folder, "diffusion_pytorch_model"));
    teacher_.unet = fewstep::make_unet(config, tensors, {device});
    tensors.emplace("time_embedding.cond_proj.weight", at::zeros({config.block_out_channels[0], kEmbedding}));
    config.time_cond_proj_dim = kEmbedding;
    parameters_ = fewstep::trainable_copy(tensors, device);
    average_ = fewstep::trainable_copy(tensors, device);
    student_.unet = fewstep::make_unet(config, parameters_, {device});
    target_.unet = fewstep::make_unet(config, average_, {device});
    optimizer_ = std::make_unique<fewstep::AdamW>(parameters_, fewstep::AdamWOptions{});
    skip_step_ = kSkipStep;
  }

  void step(Inputs in) {
    const Tensor index = in.at("index");
    for (auto& [name, tensor] : in) tensor = tensor.to(device_);
    fewstep::ConsistencyBatch batch{in.at("x0"), in.at("noise"), {}};
    for (std::int64_t b = 0; b < index.numel(); ++b)
      batch.times.push_back(fewstep::time_pair(index.const_data_ptr<std::int64_t>()[b], skip_step_));
    const auto f = [&](const fewstep::DiffusionNetwork& network) {
      return [&](const Tensor& x, const fewstep::Levels& levels) {
        return fewstep::consistency(network, x, levels, in.at("states"), in.at("omega"));
      };
    };
    const auto guided = [&](const Tensor& x, const fewstep::Levels& levels) {
      return fewstep::predict_guided_x0(teacher_, x, levels, in.at("states"), in.at("negative"), in.at("omega"));
    };
    const auto loss = [&] {
      const fewstep::Autocast autocast(device_, precision_);
      return fewstep::lcd_loss(f(student_), f(target_), guided, fewstep::solver_step(fewstep::Solver::kDdim), schedule_,
                               batch, {.huber = true});
    };
    loss().backward();
    optimizer_->step(1e-5, 1.0);
    fewstep::update_average(average_, parameters_, 0.95);
    fewstep::synchronize(device_);
  }

 private:
  at::Device device_;
  fewstep::Precision precision_;
  const fewstep::Schedule schedule_ = fewstep::make_schedule("scaled_linear", 0.00085, 0.012, 1000);
  fewstep::DiffusionNetwork teacher_, student_, target_;
  Inputs parameters_, average_;
  std::unique_ptr<fewstep::AdamW> optimizer_;
  std::int64_t skip_step_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  fewstep::keep_freed_memory();
  if (argc < 2 || argc > 4)
    throw fewstep::usage_error("fewstep_training_step", "expected FOLDER [DEVICE [float32|bfloat16]]");
  const auto precision = argc > 3 ? fewstep::index_of_name(fewstep::kPrecisions, argv[3], "precision") : 0;
  Training training(argv[1], fewstep::parse_device(argc > 2 ? argv[2] : "cpu"),
                    static_cast<fewstep::Precision>(precision));
  std::string in;
  while (std::cin >> in) {
    const Inputs inputs = fewstep::load_tensors(in);
    const auto start = std::chrono::steady_clock::now();
    training.step(inputs);
    std::cout << std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count()
              << std::endl;
  }
  return 0;
} catch (const fewstep::Error& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.code());
}
