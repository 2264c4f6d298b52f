#include "checkpoints/sd.h"

#include "core/error.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

namespace fewstep {
namespace {

void expect_equal(const std::filesystem::path& folder, const char* what, std::int64_t expected, std::int64_t got) {
  if (expected == got) return;
  throw input_error(folder.string(),
                    fmt::format("expected networks that fit each other: {} is {} and {}", what, expected, got));
}

void expect_fit(const std::filesystem::path& folder, const ClipText& text, const Unet& unet, const Vae& vae) {
  expect_equal(folder, "the UNet's cross_attention_dim and the text encoder's hidden_size",
               unet.config.cross_attention_dim, text.config.hidden_size);
  expect_equal(folder, "the number of latent channels of UNet and VAE", unet.config.in_channels,
               vae.config.latent_channels);
  expect_equal(folder, "the UNet's in_channels and out_channels", unet.config.in_channels, unet.config.out_channels);
}

Conditioning encode(const SdNetworks& networks, std::span<const std::string> captions) {
  std::vector<std::string> texts;
  for (const std::string& caption : captions) texts.push_back(networks.tokenizer.with_all_vectors(caption));
  return {text_states(networks.text, token_ids(networks.tokenizer, texts))};
}

Tensor evaluate(const Unet& unet, const UnetContext& context, const EvaluationKey& key, const Tensor& x) {
  const std::int64_t batch = x.size(0);
  Tensor embedding;
  if (unet.config.time_cond_proj_dim) {
    const Tensor omega = at::full({1}, key.omega, at::TensorOptions(at::kFloat));
    embedding = embed_omega(omega, *unet.config.time_cond_proj_dim).to(unet.compute.device);
    embedding = embedding.expand({batch, embedding.size(1)});
  }
  const Tensor times = at::full({batch}, key.time, x.options().dtype(at::kFloat));
  return forward(unet, x, times, context, embedding);
}

}  // namespace

SdNetworks load_sd_networks(const CheckpointRef& checkpoint, const Compute& compute) {
  const std::filesystem::path& folder = checkpoint.folder;
  SdNetworks networks{Tokenizer::open(folder / "tokenizer"), load_clip_text(folder / "text_encoder", compute),
                      load_unet(folder / "unet", compute), load_vae(folder / "vae", compute)};
  expect_fit(folder, networks.text, networks.unet, networks.vae);
  return networks;
}

DiffusionPipeline load_sd(const CheckpointRef& checkpoint, const Compute& compute) {
  const auto networks = std::make_shared<const SdNetworks>(load_sd_networks(checkpoint, compute));
  return {.encode = [networks](std::span<const std::string> captions) { return encode(*networks, captions); },
          .under = [networks](const Conditioning& text) -> RawNetwork {
            return [networks, context = make_context(networks->unet, text.states)](
                       const EvaluationKey& key, const Tensor& x) { return evaluate(networks->unet, context, key, x); };
          },
          .decode = [networks](const Tensor& latents) { return decode(networks->vae, latents); },
          .tokenizers = {networks->tokenizer},
          .compute = compute};
}

void check_sd(const CheckpointRef& checkpoint, Faults& faults) {
  const std::filesystem::path& folder = checkpoint.folder;
  const Compute headers{at::Device(at::kMeta), at::kFloat};
  std::optional<ClipText> text;
  std::optional<Unet> unet;
  std::optional<Vae> vae;
  faults.check([&] { Tokenizer::open(folder / "tokenizer"); });
  faults.check([&] { text = load_clip_text(folder / "text_encoder", headers); });
  faults.check([&] { unet = load_unet(folder / "unet", headers); });
  faults.check([&] { vae = load_vae(folder / "vae", headers); });
  if (text && unet && vae) faults.check([&] { expect_fit(folder, *text, *unet, *vae); });
}

LatentShape sd_latent_shape(const CheckpointRef& checkpoint) {
  const std::filesystem::path& folder = checkpoint.folder;
  const VaeConfig vae = read_vae_config(folder / "vae" / "config.json");
  const auto [rows, columns] = read_unet_config(folder / "unet" / "config.json").sample_size;
  return {rows, columns, vae.latent_channels, vae.downscale()};
}

}  // namespace fewstep
