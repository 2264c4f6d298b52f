#include "models/checkpoint.h"

#include "core/error.h"

#include <string>

namespace fewstep {
namespace {

void expect_equal(const Checkpoint& checkpoint, const char* what, std::int64_t expected, std::int64_t got) {
  if (expected != got) {
    throw input_error(checkpoint.info.folder.string(), std::string("expected networks that fit each other: ") + what +
                                                           " is " + std::to_string(expected) + " and " +
                                                           std::to_string(got));
  }
}

}  // namespace

Checkpoint load_checkpoint(const std::filesystem::path& folder, const Compute& compute, bool with_hash) {
  CheckpointInfo info = inspect_checkpoint(folder, with_hash);
  const Schedule schedule = make_schedule(info.beta_schedule, info.beta_start, info.beta_end, info.num_train_timesteps);
  Checkpoint checkpoint{std::move(info),
                        schedule,
                        Tokenizer::open(folder / "tokenizer"),
                        load_clip_text(folder / "text_encoder", compute),
                        load_unet(folder / "unet", compute),
                        load_vae(folder / "vae", compute)};
  expect_equal(checkpoint, "the UNet's cross_attention_dim and the text encoder's hidden_size",
               checkpoint.unet.config.cross_attention_dim, checkpoint.text.config.hidden_size);
  expect_equal(checkpoint, "the number of latent channels of UNet and VAE", checkpoint.unet.config.in_channels,
               checkpoint.vae.config.latent_channels);
  expect_equal(checkpoint, "the UNet's in_channels and out_channels", checkpoint.unet.config.in_channels,
               checkpoint.unet.config.out_channels);
  return checkpoint;
}

Tensor encode_prompts(const Checkpoint& checkpoint, std::span<const std::string> prompts) {
  std::vector<std::string> texts;
  for (const std::string& prompt : prompts) texts.push_back(checkpoint.tokenizer.with_all_vectors(prompt));
  return text_states(checkpoint.text, token_ids(checkpoint.tokenizer, texts));
}

}  // namespace fewstep
