#include "formats/pickles.h"

#include <array>
#include <string>
#include <string_view>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kPickles{".bin", ".pt", ".pth", ".ckpt", ".pkl"};

}  // namespace

Error pickle_error(const fs::path& path) {
  const std::string in = path.string();
  // Transformers calls the same weights pytorch_model.bin and model.safetensors.
  const std::string stem = path.stem() == "pytorch_model" ? "model" : path.stem().string();
  const std::string out = (path.parent_path() / (stem + ".safetensors")).string();
  if (path.extension() == ".ckpt") {
    return input_error(in,
                       "expected .safetensors, got a pickle, which can run code and is never read; convert it:\n"
                       "  python3 -c \"from diffusers import StableDiffusionPipeline as P; P.from_single_file('" +
                           in + "').save_pretrained('" + fs::path(path).replace_extension().string() + "')\"");
  }
  return input_error(in,
                     "expected .safetensors, got a pickle, which can run code and is never read; convert it:\n"
                     "  python3 -c \"import torch, safetensors.torch as s; s.save_file({k: v.clone().contiguous() "
                     "for k, v in torch.load('" +
                         in + "', map_location='cpu', weights_only=True).items()}, '" + out + "')\"");
}

bool is_pickle(const fs::path& path) {
  for (const auto extension : kPickles) {
    if (path.extension() == extension) return true;
  }
  return false;
}

// The pickle that lies where a missing .safetensors file was looked for.
std::optional<fs::path> pickle_beside(const fs::path& path) {
  fs::path stem = path;
  while (stem.extension() == ".json" || stem.extension() == ".index" || stem.extension() == ".safetensors" ||
         stem.extension() == ".fp16") {
    stem.replace_extension();
  }
  std::error_code ignored;
  for (const auto extension : kPickles) {
    const fs::path pickle = stem.string() + std::string(extension);
    if (fs::exists(pickle, ignored)) return pickle;
  }
  const fs::path transformers = path.parent_path() / "pytorch_model.bin";
  if (fs::exists(transformers, ignored)) return transformers;
  return {};
}

}  // namespace fewstep
