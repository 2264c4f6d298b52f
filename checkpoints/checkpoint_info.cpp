#include "checkpoints/checkpoint_info.h"

#include "checkpoints/scheduler_config.h"
#include "core/error.h"
#include "core/files.h"
#include "core/known_mistakes.h"
#include "core/stand_ins.h"
#include "core/text.h"
#include "core/warnings.h"
#include "formats/json.h"
#include "formats/pickles.h"
#include "models/checkpoint_files.h"
#include "models/tokenizer/tokenizer_files.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace fewstep {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kSchedulerFile = "scheduler/scheduler_config.json";
constexpr const char* kLoraFile = "pytorch_lora_weights.safetensors";
// They do not change the images here: the checker blackens some, the extractor feeds it, the encoder is for
// IP-Adapters.
constexpr std::array kUnused{"safety_checker", "feature_extractor", "requires_safety_checker", "image_encoder"};

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

Error no_checkpoint(const fs::path& folder) {
  const std::string where = folder.string(), expected =
                                                 "expected a folder in diffusers layout (model_index.json, unet/, "
                                                 "vae/, text_encoder/, tokenizer/, scheduler/), got ";
  std::error_code ignored;
  if (!is_there(folder)) return input_error(where, expected + "nothing there" + remedy_for_nothing_at(folder));
  if (!fs::is_directory(folder, ignored)) {
    const bool lora = folder.filename() == kLoraFile;
    return input_error(
        where, expected + (lora ? "a LoRA alone" + remedy(KnownMistake::kLoraAlone, folder.parent_path().string())
                                : "a file" + remedy(KnownMistake::kSingleFile, where)));
  }
  if (is_there(folder / kLoraFile))
    return input_error(where, expected + "a LoRA alone" + remedy(KnownMistake::kLoraAlone, where));
  if (is_there(folder / "config.json") && is_there(folder.parent_path() / "model_index.json"))
    return input_error(where, expected + "one network of a checkpoint" + remedy(KnownMistake::kNetworkAlone));
  return input_error(where, expected + "no model_index.json");
}

// ["library", "Class"] of a part; nothing where it is null or absent.
std::optional<std::string> class_of(const json& index, const std::string& part, const std::string& where) {
  const auto found = index.find(part);
  if (found == index.end() || found->is_null()) return {};
  if (!found->is_array() || found->size() != 2 || !((*found)[1].is_string() || (*found)[1].is_null()))
    throw input_error(where, "expected [library, class] for " + in_quotes(part));
  if ((*found)[1].is_null()) return {};
  return (*found)[1].get<std::string>();
}

void expect_class(const std::string& where, const std::string& what, const std::string& expected,
                  const std::optional<std::string>& got) {
  if (got == expected) return;
  throw input_error(where, "expected " + what + " " + expected + ", got " + (got ? in_quotes(*got) : "none") +
                               "; other architectures are not supported");
}

// What model_index.json says that no other file does, or that it decides before another.
struct Index {
  const FamilyInfo* family;
  std::string pipeline, scheduler;  // classes
};

// The text-to-image pipeline that runs these parts, and its family. The other pipelines of Stable Diffusion 1 and 2
// (image to image, PAG, panorama …) save the same parts.
std::pair<const FamilyInfo*, std::string> pipeline_of(const json& index, const std::string& where) {
  const auto found = index.find("_class_name");
  const std::string name = found != index.end() && found->is_string() ? found->get<std::string>() : "";
  for (const FamilyInfo& family : kFamilies)
    if (std::ranges::count(family.pipelines, name)) return {&family, name};
  const std::string plain(kSdPipelines[0]), lcm(kSdPipelines[1]);
  const auto has = [&](const char* text) { return name.find(text) != std::string::npos; };
  const auto part = [&](const char* key) { return class_of(index, key, where).has_value(); };
  const bool later = has("StableDiffusionXL") || has("StableDiffusion3") || part("text_encoder_2");
  if (!later && (name.starts_with("StableDiffusion") || name.starts_with("LatentConsistencyModel")))
    return {&kFamilies.front(), name.starts_with("Latent") ? lcm : plain};
  throw input_error(where, "expected the pipeline " + plain + " or " + lcm + ", got " +
                               (name.empty() ? "no _class_name" : in_quotes(name)) +
                               (later                 ? remedy(KnownMistake::kTwoTextEncoders, name)
                                : part("transformer") ? remedy(KnownMistake::kTransformer, name)
                                                      : ""));
}

Index read_index(const fs::path& path) {
  const json index = read_json_object(path);
  const std::string where = path.string();
  const auto [family, pipeline] = pipeline_of(index, where);
  if (const auto name = index.at("_class_name").get<std::string>(); name != pipeline)
    warn(where, "says " + name + "; its parts are run as " + pipeline + ", from text to image");
  std::set<std::string> known(kUnused.begin(), kUnused.end());
  for (const NetworkPart& network : family->networks) {
    const std::string part(network.folder);
    expect_class(where, part, std::string(network.class_name), class_of(index, part, where));
    known.insert(part);
  }
  for (const std::string_view folder : family->tokenizers) {
    const std::string part(folder);
    auto tokenizer = class_of(index, part, where);
    if (tokenizer == "CLIPTokenizerFast") tokenizer = "CLIPTokenizer";  // the same since Transformers 5
    expect_class(where, part, "CLIPTokenizer", tokenizer);
    known.insert(part);
  }
  const auto scheduler = class_of(index, "scheduler", where);
  if (!scheduler) throw input_error(where, "expected a scheduler, got none");
  expect_scheduler(*scheduler, where);
  known.insert("scheduler");
  for (const auto& [key, value] : index.items()) {
    if (key.starts_with('_') || known.contains(key) || value.is_boolean()) continue;
    if (const auto name = class_of(index, key, where))
      throw input_error(where,
                        "expected no part " + in_quotes(key) + ", got " + in_quotes(*name) + "; it is not supported");
  }
  return {family, pipeline, *scheduler};
}

// The networks' own configurations, as far as they say what the network is; the loaders check the rest.
void check_networks(const fs::path& folder, CheckpointInfo& info) {
  for (const NetworkPart& network : info.family->networks) {
    const fs::path path = folder / network.folder / "config.json";
    const json config = read_json_object(path);
    const auto found = config.find(network.key);
    const bool is_text = found != config.end() && found->is_string();
    expect_class(path.string(), std::string(network.key), std::string(network.value),
                 is_text ? std::optional(found->get<std::string>()) : std::nullopt);
    const auto dimension = config.find("time_cond_proj_dim");
    if (dimension != config.end() && !dimension->is_null()) info.omega_embedding = true;
  }
}

std::vector<fs::path> files_of(const fs::path& folder, const FamilyInfo& family) {
  std::vector<fs::path> files{"model_index.json", kSchedulerFile};
  for (const NetworkPart& network : family.networks) {
    files.push_back(fs::path(network.folder) / "config.json");
    // Files are named under their part: fs::relative would follow the links of a download cache.
    for (const auto& file : weight_files(find_weights(folder / network.folder, std::string(network.weights))))
      files.push_back(fs::path(network.folder) / file.filename());
  }
  for (const std::string_view part : family.tokenizers) {
    const bool whole = is_there(folder / part / "tokenizer.json");
    std::set<fs::path> tokenizer{"tokenizer_config.json"};
    if (!whole) tokenizer.insert({"vocab.json", "merges.txt"});
    for (const fs::path& file : tokenizer_files(folder / part)) tokenizer.insert(file.filename());
    for (const fs::path& name : tokenizer) files.push_back(fs::path(part) / name);
  }
  for (const auto& file : files) {
    refuse_stand_in(folder / file);
    if (!is_there(folder / file))
      throw input_error((folder / file).string(), "expected a file of the checkpoint, got none");
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.generic_string() < b.generic_string(); });
  return files;
}

}  // namespace

const FamilyInfo& family_of(const fs::path& folder) {
  const fs::path index = folder / "model_index.json";
  return *pipeline_of(read_json_object(index), index.string()).first;
}

std::vector<fs::path> checkpoint_files(const fs::path& folder) { return files_of(folder, family_of(folder)); }

Schedule schedule_of(const CheckpointInfo& info) {
  return make_schedule(info.beta_schedule, info.beta_start, info.beta_end, info.num_train_timesteps,
                       info.zero_terminal_snr);
}

CheckpointInfo inspect_checkpoint(const CheckpointRef& checkpoint, bool with_hash) {
  const fs::path& folder = checkpoint.folder;
  if (is_pickle(folder) || !is_there(folder / "model_index.json")) throw no_checkpoint(folder);
  CheckpointInfo info;
  info.folder = folder;
  const Index index = read_index(folder / "model_index.json");
  info.family = index.family;
  read_scheduler_config(folder / kSchedulerFile, index.scheduler, index.pipeline, info);
  check_networks(folder, info);
  if (info.kind == CheckpointKind::kTeacher && info.omega_embedding) info.kind = CheckpointKind::kGuidedDistill;
  std::vector<fs::path> files = files_of(folder, *info.family);
  if (with_hash) {
    for (fs::path& file : files) file = folder / file;
    info.hash = hash_of_files(files, folder);
  }
  return info;
}

}  // namespace fewstep
