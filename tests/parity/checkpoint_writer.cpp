// fewstep_parity_checkpoint_writer IN OUT: reads a checkpoint and writes it again from tensors, configurations made
// anew.
#include "checkpoints/checkpoint_writer.h"
#include "checkpoints/scheduler_config.h"
#include "checkpoints/sd.h"
#include "models/clip_config.h"
#include "models/weights.h"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) try {
  using namespace fewstep;
  if (argc != 3) return 2;
  const std::filesystem::path from = argv[1];
  const SdNetworks networks = load_sd_networks(from, {});
  const CheckpointInfo info = inspect_checkpoint(from);
  CheckpointContent content;
  const auto tensors = [&](const char* file) { return load_tensors(from / file); };
  content.unet = NetworkContent{config_json(networks.unet.config), tensors("unet/diffusion_pytorch_model.safetensors")};
  content.vae = NetworkContent{config_json(networks.vae.config), tensors("vae/diffusion_pytorch_model.safetensors")};
  content.text_encoder =
      NetworkContent{text_config_json(networks.text.config), tensors("text_encoder/model.safetensors")};
  content.scheduler = scheduler_json(info);
  content.tokenizer = from / "tokenizer";
  content.provenance = {{"parents", {info.hash}}};
  write_checkpoint(argv[2], content);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}
