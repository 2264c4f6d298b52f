#include "models/checkpoint_files.h"

#include "core/error.h"
#include "core/known_mistakes.h"
#include "core/stand_ins.h"
#include "core/text.h"
#include "core/warnings.h"
#include "formats/json.h"
#include "formats/pickles.h"

#include <nlohmann/json.hpp>

#include <set>
#include <string_view>
#include <system_error>

namespace fewstep {
namespace {

constexpr std::string_view kDiffusersStem = "diffusion_pytorch_model";
constexpr const char *kWhole = ".safetensors", *kIndex = ".safetensors.index.json";

// "a.bf16.safetensors, a.ema.safetensors": files of other variants than those that are read.
std::string variants_in(const std::filesystem::path& folder, const std::string& stem) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(stem + ".") && name.find(".safetensors") != std::string::npos) names.insert(name);
  }
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

}  // namespace

std::filesystem::path find_weights(const std::filesystem::path& folder, const std::string& stem) {
  const auto file = [&](const char* ending) { return folder / (stem + ending); };
  const auto is_there = [](const std::filesystem::path& path) {
    std::error_code ignored;
    return is_dangling(path) || std::filesystem::exists(path, ignored);  // who opens a link to nothing says so
  };
  // Where a whole file and shards lie side by side, diffusers takes the shards and Transformers the file.
  const bool shards_first = stem == kDiffusersStem;
  if (is_there(file(kWhole)) && is_there(file(kIndex))) {
    warn(folder.string(),
         "holds the weights twice, " + stem + kWhole + " and " + stem + kIndex + "; the " +
             (shards_first ? "shards are taken, as diffusers" : "whole file is taken, as Transformers") + " does");
    return file(shards_first ? kIndex : kWhole);
  }
  // diffusers and Transformers disagree on where an index's name has its variant.
  for (const char* ending :
       {kWhole, kIndex, ".fp16.safetensors", ".safetensors.index.fp16.json", ".fp16.safetensors.index.json"})
    if (is_there(file(ending))) return file(ending);
  if (const auto pickle = pickle_beside(folder / (stem + ".safetensors"))) throw pickle_error(*pickle);
  const std::string variants = variants_in(folder, stem);
  throw input_error(folder.string(), "expected " + stem + ".safetensors or " + stem +
                                         ".safetensors.index.json, got neither" +
                                         (variants.empty() ? "" : remedy(KnownMistake::kVariantAlone, variants)));
}

std::vector<std::filesystem::path> weight_files(const std::filesystem::path& weights) {
  std::vector<std::filesystem::path> files{weights};
  if (weights.extension() != ".json") return files;
  std::set<std::string> shards;
  const nlohmann::json index = read_json_object(weights);
  if (const auto map = index.find("weight_map"); map != index.end() && map->is_object()) {
    for (const auto& [name, shard] : map->items()) {
      if (shard.is_string()) shards.insert(shard.get<std::string>());
    }
  }
  for (const auto& shard : shards) {
    if (shard.find_first_of("/\\") != std::string::npos || shard.find('\0') != std::string::npos)
      throw input_error(weights.string(), "expected the name of a file beside the index, got " + in_quotes(shard));
    files.push_back(weights.parent_path() / shard);
  }
  return files;
}

}  // namespace fewstep
