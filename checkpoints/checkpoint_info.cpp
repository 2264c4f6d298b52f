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

// A part of the pipeline, the class that it must have, and the stem of its weights (none: no network).
struct Part {
  const char* name;
  const char* class_name;
  const char* weights;
};
constexpr std::array<Part, 3> kNetworks{{{"text_encoder", "CLIPTextModel", "model"},
                                         {"unet", "UNet2DConditionModel", "diffusion_pytorch_model"},
                                         {"vae", "AutoencoderKL", "diffusion_pytorch_model"}}};
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
  std::string pipeline, scheduler;  // classes
};

// The text-to-image pipeline that runs these parts. The other pipelines of Stable Diffusion 1 and 2 (image to image,
// PAG, panorama …) save the same parts.
std::string pipeline_of(const json& index, const std::string& where) {
  constexpr const char *kPlain = "StableDiffusionPipeline", *kLcm = "LatentConsistencyModelPipeline";
  const auto found = index.find("_class_name");
  const std::string name = found != index.end() && found->is_string() ? found->get<std::string>() : "";
  if (name == kPlain || name == kLcm) return name;
  const auto has = [&](const char* text) { return name.find(text) != std::string::npos; };
  const auto part = [&](const char* key) { return class_of(index, key, where).has_value(); };
  const bool later = has("StableDiffusionXL") || has("StableDiffusion3") || part("text_encoder_2");
  if (!later && (name.starts_with("StableDiffusion") || name.starts_with("LatentConsistencyModel"))) {
    const char* plain = name.starts_with("Latent") ? kLcm : kPlain;
    warn(where, "says " + name + "; its parts are run as " + plain + ", from text to image");
    return plain;
  }
  throw input_error(where, std::string("expected the pipeline ") + kPlain + " or " + kLcm + ", got " +
                               (name.empty() ? "no _class_name" : in_quotes(name)) +
                               (later                 ? remedy(KnownMistake::kTwoTextEncoders, name)
                                : part("transformer") ? remedy(KnownMistake::kTransformer, name)
                                                      : ""));
}

Index read_index(const fs::path& path) {
  const json index = read_json_object(path);
  const std::string where = path.string();
  const std::string pipeline = pipeline_of(index, where);
  std::set<std::string> known(kUnused.begin(), kUnused.end());
  for (const auto& network : kNetworks) {
    expect_class(where, network.name, network.class_name, class_of(index, network.name, where));
    known.insert(network.name);
  }
  auto tokenizer = class_of(index, "tokenizer", where);
  if (tokenizer == "CLIPTokenizerFast") tokenizer = "CLIPTokenizer";  // the same since Transformers 5
  expect_class(where, "tokenizer", "CLIPTokenizer", tokenizer);
  const auto scheduler = class_of(index, "scheduler", where);
  if (!scheduler) throw input_error(where, "expected a scheduler, got none");
  expect_scheduler(*scheduler, where);
  known.insert({"tokenizer", "scheduler"});
  for (const auto& [key, value] : index.items()) {
    if (key.starts_with('_') || known.contains(key) || value.is_boolean()) continue;
    if (const auto name = class_of(index, key, where))
      throw input_error(where,
                        "expected no part " + in_quotes(key) + ", got " + in_quotes(*name) + "; it is not supported");
  }
  return {pipeline, *scheduler};
}

// The networks' own configurations, as far as they say what the network is; the loaders check the rest.
void check_networks(const fs::path& folder, CheckpointInfo& info) {
  for (const auto& network : kNetworks) {
    const fs::path path = folder / network.name / "config.json";
    const json config = read_json_object(path);
    const auto text = [&](const json::const_iterator& value) -> std::optional<std::string> {
      if (value == config.end() || !value->is_string()) return {};
      return value->get<std::string>();
    };
    if (network.name == std::string("text_encoder")) {
      const auto type = text(config.find("model_type"));
      if (type != "clip_text_model") expect_class(path.string(), "model_type", "clip_text_model", type);
    } else {
      expect_class(path.string(), "_class_name", network.class_name, text(config.find("_class_name")));
    }
    if (network.name == std::string("unet")) {
      const auto dimension = config.find("time_cond_proj_dim");
      info.omega_embedding = dimension != config.end() && !dimension->is_null();
    }
  }
}

}  // namespace

std::vector<fs::path> checkpoint_files(const fs::path& folder) {
  std::vector<fs::path> files{"model_index.json", kSchedulerFile};
  for (const auto& network : kNetworks) {
    files.push_back(fs::path(network.name) / "config.json");
    // Files are named under their part: fs::relative would follow the links of a download cache.
    for (const auto& file : weight_files(find_weights(folder / network.name, network.weights)))
      files.push_back(fs::path(network.name) / file.filename());
  }
  const bool whole = is_there(folder / "tokenizer" / "tokenizer.json");
  std::set<fs::path> tokenizer{"tokenizer_config.json"};
  if (!whole) tokenizer.insert({"vocab.json", "merges.txt"});
  for (const fs::path& file : tokenizer_files(folder / "tokenizer")) tokenizer.insert(file.filename());
  for (const fs::path& name : tokenizer) files.push_back("tokenizer" / name);
  for (const auto& file : files) {
    refuse_stand_in(folder / file);
    if (!is_there(folder / file))
      throw input_error((folder / file).string(), "expected a file of the checkpoint, got none");
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.generic_string() < b.generic_string(); });
  return files;
}

Schedule schedule_of(const CheckpointInfo& info) {
  return make_schedule(info.beta_schedule, info.beta_start, info.beta_end, info.num_train_timesteps,
                       info.zero_terminal_snr);
}

CheckpointInfo inspect_checkpoint(const fs::path& folder, bool with_hash) {
  if (is_pickle(folder) || !is_there(folder / "model_index.json")) throw no_checkpoint(folder);
  CheckpointInfo info;
  info.folder = folder;
  const Index index = read_index(folder / "model_index.json");
  read_scheduler_config(folder / kSchedulerFile, index.scheduler, index.pipeline, info);
  check_networks(folder, info);
  if (info.kind == CheckpointKind::kTeacher && info.omega_embedding) info.kind = CheckpointKind::kGuidedDistill;
  std::vector<fs::path> files = checkpoint_files(folder);
  if (with_hash) {
    for (fs::path& file : files) file = folder / file;
    info.hash = hash_of_files(files, folder);
  }
  return info;
}

}  // namespace fewstep
