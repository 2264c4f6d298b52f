#include "models/checkpoint_files.h"

#include "core/error.h"

namespace fewstep {

std::filesystem::path find_weights(const std::filesystem::path& folder, const std::string& stem) {
  for (const char* ending : {".safetensors", ".safetensors.index.json", ".fp16.safetensors"}) {
    const auto path = folder / (stem + ending);
    if (std::filesystem::exists(path)) return path;
  }
  if (std::filesystem::exists(folder / (stem + ".bin"))) {
    throw input_error(
        (folder / (stem + ".bin")).string(),
        "expected safetensors, got a pickle, which can run code and is never opened here; convert the whole "
        "checkpoint with: python3 -c \"from diffusers import DiffusionPipeline as P; "
        "P.from_pretrained('OLD').save_pretrained('NEW')\"");
  }
  throw input_error(folder.string(), "expected " + stem + ".safetensors (or its .index.json), got none");
}

}  // namespace fewstep
