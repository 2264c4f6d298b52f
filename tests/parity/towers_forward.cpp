// One forward of one network for tests/parity: reads inputs by name from a .safetensors file, writes outputs to
// another. usage: fewstep_parity_towers text|clip|vae|inception|unet|omega PATH INPUTS OUTPUTS [DTYPE [DEVICE]] PATH:
// the network's folder; the weights file for inception; unused for omega.
#include "core/device.h"
#include "core/error.h"
#include "core/tensor.h"
#include "models/clip.h"
#include "models/inception.h"
#include "models/unet.h"
#include "models/vae.h"
#include "models/weights.h"

#include <c10/core/InferenceMode.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <string>

namespace fewstep {
namespace {

using Tensors = std::map<std::string, Tensor>;
using Path = std::filesystem::path;

Tensors run_text(const Path& path, const Tensors& inputs, const Compute& compute) {
  return {{"states", text_states(load_clip_text(path, compute), inputs.at("ids"))}};
}

Tensors run_clip(const Path& path, const Tensors& inputs, const Compute& compute) {
  const Clip clip = load_clip(path, compute);
  return {{"text_embedding", text_embedding(clip.text, inputs.at("ids"))},
          {"image_embedding", image_embedding(clip.vision, inputs.at("pixels"))}};
}

Tensors run_vae(const Path& path, const Tensors& inputs, const Compute& compute) {
  const Vae vae = load_vae(path, compute);
  const LatentMoments moments = encode(vae, inputs.at("images"));
  return {{"decoded", decode(vae, inputs.at("latents"))}, {"mean", moments.mean}, {"logvar", moments.logvar}};
}

Tensors run_inception(const Path& path, const Tensors& inputs, const Compute& compute) {
  return {{"features", features(load_inception(path, compute), inputs.at("images"))}};
}

Tensors run_unet(const Path& path, const Tensors& inputs, const Compute& compute) {
  const auto omega = inputs.find("omega_embedding");
  return {{"out", forward(load_unet(path, compute), inputs.at("x"), inputs.at("time"), inputs.at("context"),
                          omega == inputs.end() ? Tensor() : omega->second)}};
}

Tensors run_omega(const Path&, const Tensors& inputs, const Compute&) {
  return {{"embedding", embed_omega(inputs.at("omega"), inputs.at("dim").item<std::int64_t>())}};
}

void run(int argc, char** argv) {
  const std::map<std::string, Tensors (*)(const Path&, const Tensors&, const Compute&)> networks{
      {"text", run_text},           {"clip", run_clip}, {"vae", run_vae},
      {"inception", run_inception}, {"unet", run_unet}, {"omega", run_omega}};
  const auto network = argc >= 5 ? networks.find(argv[1]) : networks.end();
  if (network == networks.end()) throw usage_error("arguments", "expected KIND PATH INPUTS OUTPUTS [DTYPE [DEVICE]]");
  const Compute compute{parse_device(argc > 6 ? argv[6] : "cpu"), parse_dtype(argc > 5 ? argv[5] : "float32")};
  const c10::InferenceMode inference;
  Tensors outputs = network->second(argv[2], load_tensors(argv[3]), compute);
  for (auto& [name, tensor] : outputs) tensor = tensor.to(at::kFloat);
  save_tensors(argv[4], outputs);
}

}  // namespace
}  // namespace fewstep

int main(int argc, char** argv) {
  try {
    fewstep::run(argc, argv);
    return 0;
  } catch (const fewstep::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
