#include "checkpoints/checkpoint.h"

#include "core/error.h"

#include <string>

namespace fewstep {
namespace {

void expect_equal(const std::filesystem::path& folder, const char* what, std::int64_t expected, std::int64_t got) {
  if (expected == got) return;
  throw input_error(folder.string(), std::string("expected networks that fit each other: ") + what + " is " +
                                         std::to_string(expected) + " and " + std::to_string(got));
}

void expect_fit(const std::filesystem::path& folder, const ClipText& text, const Unet& unet, const Vae& vae) {
  expect_equal(folder, "the UNet's cross_attention_dim and the text encoder's hidden_size",
               unet.config.cross_attention_dim, text.config.hidden_size);
  expect_equal(folder, "the number of latent channels of UNet and VAE", unet.config.in_channels,
               vae.config.latent_channels);
  expect_equal(folder, "the UNet's in_channels and out_channels", unet.config.in_channels, unet.config.out_channels);
}

}  // namespace

Checkpoint load_checkpoint(const std::filesystem::path& folder, const Compute& compute, bool with_hash) {
  CheckpointInfo info = inspect_checkpoint(folder, with_hash);
  const Schedule schedule = schedule_of(info);
  Checkpoint checkpoint{std::move(info),
                        schedule,
                        Tokenizer::open(folder / "tokenizer"),
                        load_clip_text(folder / "text_encoder", compute),
                        load_unet(folder / "unet", compute),
                        load_vae(folder / "vae", compute)};
  expect_fit(folder, checkpoint.text, checkpoint.unet, checkpoint.vae);
  return checkpoint;
}

void check_checkpoint(const std::filesystem::path& folder, Faults& faults) {
  if (!faults.check([&] { inspect_checkpoint(folder, false); }) && !std::filesystem::is_directory(folder)) return;
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

Tensor encode_prompts(const Checkpoint& checkpoint, std::span<const std::string> prompts) {
  std::vector<std::string> texts;
  for (const std::string& prompt : prompts) texts.push_back(checkpoint.tokenizer.with_all_vectors(prompt));
  return text_states(checkpoint.text, token_ids(checkpoint.tokenizer, texts));
}

}  // namespace fewstep
