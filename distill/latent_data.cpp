#include "distill/latent_data.h"

#include "core/error.h"
#include "core/files.h"
#include "distill/image_data.h"
#include "models/checkpoint_files.h"
#include "models/tokenizer/tokenizer_files.h"
#include "models/weights.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <map>
#include <numeric>

namespace fewstep {
namespace {

constexpr std::int64_t kBlockRows = 1024, kEncodeRows = 64;

std::map<std::string, Tensor> compute_block(const CaptionedImages& data, int resolution, const FrozenParts& parts,
                                            std::int64_t first, std::int64_t count) {
  std::vector<Tensor> moments;
  std::map<std::string, std::int64_t> numbers;
  std::vector<std::string> captions;
  Tensor caption = at::empty({count}, at::kLong);
  for (std::int64_t begin = 0; begin < count; begin += kEncodeRows) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min(kEncodeRows, count - begin)));
    std::iota(rows.begin(), rows.end(), first + begin);
    const ImageBatch batch = read_batch(data, rows, resolution);
    const LatentMoments encoded = encode(parts.vae, from_images(batch.images));
    moments.push_back(at::cat({encoded.mean, encoded.logvar}, 1).to(at::kCPU, at::kFloat).contiguous());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto [found, is_new] = numbers.emplace(batch.captions[i], static_cast<std::int64_t>(captions.size()));
      if (is_new) captions.push_back(batch.captions[i]);
      caption[begin + static_cast<std::int64_t>(i)] = found->second;
    }
  }
  std::vector<Tensor> states;
  for (std::size_t begin = 0; begin < captions.size(); begin += kEncodeRows) {
    const auto size = std::min<std::size_t>(kEncodeRows, captions.size() - begin);
    states.push_back(text_states(parts.text, token_ids(parts.tokenizer, std::span(captions).subspan(begin, size)))
                         .to(at::kCPU, at::kFloat));
  }
  return {{"moments", at::cat(moments)}, {"states", at::cat(states).contiguous()}, {"caption", caption}};
}

}  // namespace

std::string hash_of_parts(const std::filesystem::path& vae, const std::filesystem::path& text_encoder,
                          const std::filesystem::path& tokenizer) {
  const auto network = [](const std::filesystem::path& folder, const char* stem) {
    auto files = weight_files(find_weights(folder, stem));
    files.push_back(folder / "config.json");
    return hash_of_files(files, folder);
  };
  return sha256(network(vae, "diffusion_pytorch_model") + network(text_encoder, "model") +
                hash_of_files(tokenizer_files(tokenizer), tokenizer));
}

LatentData::LatentData(const CaptionedImages& data, int resolution, const FrozenParts& parts,
                       const std::filesystem::path& folder, const std::function<void(std::int64_t)>& progress,
                       const std::function<bool()>& stop)
    : count_(data.count), scaling_factor_(parts.vae.config.scaling_factor) {
  const c10::NoGradGuard no_grad;
  const std::string key =
      sha256(fmt::format("latents 1\n{}\n{}\n{}\n{}\n", data.identity, data.count, resolution, parts.hash));
  const auto place = folder / key.substr(0, 32);
  make_folders(place);
  for (std::int64_t first = 0; first < count_; first += kBlockRows) {
    const auto rows = std::min(kBlockRows, count_ - first);
    const auto file = place / fmt::format("block-{:05}.safetensors", first / kBlockRows);
    if (!std::filesystem::exists(file)) save_tensors(file, compute_block(data, resolution, parts, first, rows));
    auto tensors = load_tensors(file);
    if (!tensors.contains("moments") || !tensors.contains("states") || !tensors.contains("caption") ||
        tensors.at("moments").dim() != 4 || tensors.at("moments").size(0) != rows ||
        tensors.at("caption").sizes() != at::IntArrayRef{rows} || tensors.at("caption").scalar_type() != at::kLong ||
        tensors.at("caption").min().item<std::int64_t>() < 0 ||
        tensors.at("caption").max().item<std::int64_t>() >= tensors.at("states").size(0))
      throw input_error(file.string(), "expected a block of cached latents, got another file; remove it");
    blocks_.push_back({tensors.at("moments"), tensors.at("states"), tensors.at("caption")});
    progress(first + rows);
    if (first + rows < count_ && stop()) {
      complete_ = false;
      return;
    }
  }
  const std::string nothing;
  empty_ = text_states(parts.text, token_ids(parts.tokenizer, std::span(&nothing, 1))).to(at::kFloat);
}

LatentData::Batch LatentData::batch(std::span<const std::int64_t> rows, at::Generator& generator,
                                    at::Device device) const {
  std::vector<Tensor> moments, states;
  for (const auto row : rows) {
    const Block& block = blocks_.at(static_cast<std::size_t>(row / kBlockRows));
    const auto at = row % kBlockRows;
    moments.push_back(block.moments[at]);
    states.push_back(block.states[block.caption[at].item<std::int64_t>()]);
  }
  const auto parts = at::stack(moments).chunk(2, 1);
  const Tensor noise = at::randn(parts[0].sizes(), generator, at::TensorOptions(at::kFloat));
  const Tensor latents = (parts[0] + (0.5 * parts[1]).exp() * noise) * scaling_factor_;
  return {latents.to(device), at::stack(states).to(device)};
}

}  // namespace fewstep
