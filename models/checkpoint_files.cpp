#include "models/checkpoint_files.h"

#include "core/error.h"
#include "models/pickles.h"

#include <system_error>

namespace fewstep {

std::filesystem::path find_weights(const std::filesystem::path& folder, const std::string& stem) {
  std::error_code ignored;
  // diffusers and Transformers disagree on where an index's name has its variant.
  for (const char* ending : {".safetensors", ".safetensors.index.json", ".fp16.safetensors",
                             ".safetensors.index.fp16.json", ".fp16.safetensors.index.json"}) {
    const auto path = folder / (stem + ending);
    if (std::filesystem::exists(path, ignored)) return path;
  }
  if (const auto pickle = pickle_beside(folder / (stem + ".safetensors"))) throw pickle_error(*pickle);
  throw input_error(folder.string(),
                    "expected " + stem + ".safetensors or " + stem + ".safetensors.index.json, got neither");
}

}  // namespace fewstep
