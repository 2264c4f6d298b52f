// One training step of latent consistency distillation as a server, for side-by-side times with PyTorch.
// usage: fewstep_training_step FOLDER, the teacher's UNet in diffusers layout; the student is a copy with an omega
// embedding of 64. Each input line names a safetensors file with x0, noise, states, negative, omega and index (of the
// pairs of times, k = 20); the answer is the milliseconds of loss, gradients, clipping, AdamW and average together.
#include "core/error.h"
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
  explicit Training(const std::filesystem::path& folder) {
    constexpr std::int64_t kEmbedding = 64, kSkipStep = 20;
    fewstep::UnetConfig config = fewstep::read_unet_config(folder / "config.json");
    auto tensors = fewstep::load_tensors(fewstep::find_weights(folder, "diffusion_pytorch_model"));
    teacher_.unet = fewstep::make_unet(config, tensors, {});
    tensors.emplace("time_embedding.cond_proj.weight", at::zeros({config.block_out_channels[0], kEmbedding}));
    config.time_cond_proj_dim = kEmbedding;
    parameters_ = fewstep::trainable_copy(tensors, at::kCPU);
    average_ = fewstep::trainable_copy(tensors, at::kCPU);
    student_.unet = fewstep::make_unet(config, parameters_, {});
    target_.unet = fewstep::make_unet(config, average_, {});
    optimizer_ = std::make_unique<fewstep::AdamW>(parameters_, fewstep::AdamWOptions{});
    skip_step_ = kSkipStep;
  }

  void step(const Inputs& in) {
    fewstep::ConsistencyBatch batch{in.at("x0"), in.at("noise"), {}};
    const Tensor index = in.at("index");
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
    fewstep::lcd_loss(f(student_), f(target_), guided, fewstep::solver_step(fewstep::Solver::kDdim), schedule_, batch,
                      {.huber = true})
        .backward();
    optimizer_->step(1e-5, 1.0);
    fewstep::update_average(average_, parameters_, 0.95);
  }

 private:
  const fewstep::Schedule schedule_ = fewstep::make_schedule("scaled_linear", 0.00085, 0.012, 1000);
  fewstep::DiffusionNetwork teacher_, student_, target_;
  Inputs parameters_, average_;
  std::unique_ptr<fewstep::AdamW> optimizer_;
  std::int64_t skip_step_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  fewstep::keep_freed_memory();
  if (argc != 2) throw fewstep::usage_error("fewstep_training_step", "expected FOLDER");
  Training training(argv[1]);
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
