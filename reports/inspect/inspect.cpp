#include "reports/inspect/inspect.h"

#include "checkpoints/checkpoint_info.h"
#include "core/error.h"
#include "core/files.h"
#include "core/stand_ins.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "metrics/statistics_file.h"
#include "models/checkpoint_files.h"
#include "reports/inspect/inspect_text.h"
#include "store/read.h"
#include "store/sqlite_magic.h"
#include "store/trained_for.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <ostream>
#include <set>

namespace fewstep {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::int64_t elements_of(const TensorView& view) {
  return static_cast<std::int64_t>(view.data.size() / size_of(view.dtype));
}

// Tensors, parameters and bytes of a mapped file or all its shards; nothing but the headers is read.
void add_totals(Json& json, const SafetensorsFile& file) {
  std::int64_t parameters = 0, bytes = 0;
  std::set<std::string> dtypes;
  for (const auto& [name, view] : file.tensors()) {
    parameters += elements_of(view);
    bytes += static_cast<std::int64_t>(view.data.size());
    dtypes.emplace(name_of(view.dtype));
  }
  json["tensors"] = file.tensors().size();
  json["parameters"] = parameters;
  json["bytes"] = bytes;
  json["dtypes"] = dtypes;
}

// The sizes that tell architectures apart, as config.json has them.
Json shape_of(const nlohmann::json& config) {
  constexpr std::array kKeys{"sample_size",         "in_channels",       "out_channels",       "latent_channels",
                             "block_out_channels",  "layers_per_block",  "attention_head_dim", "cross_attention_dim",
                             "time_cond_proj_dim",  "scaling_factor",    "hidden_size",        "num_hidden_layers",
                             "num_attention_heads", "intermediate_size", "projection_dim",     "vocab_size"};
  Json shape = Json::object();
  for (const char* key : kKeys)
    if (config.contains(key) && !config[key].is_null()) shape[key] = config[key];
  return shape;
}

std::string class_of(const nlohmann::json& config) {
  if (config.contains("_class_name") && config["_class_name"].is_string()) return config["_class_name"];
  if (config.contains("architectures") && config["architectures"].is_array() && !config["architectures"].empty() &&
      config["architectures"][0].is_string())
    return config["architectures"][0];
  return "unknown";
}

Json network_json(const fs::path& folder, const std::string& name, const fs::path& weights) {
  const auto config = read_json_object(folder / "config.json");
  Json json = {{"name", name}, {"class", class_of(config)}, {"weights", weights.filename().string()}};
  add_totals(json, SafetensorsFile::open(weights));
  json["shape"] = shape_of(config);
  return json;
}

constexpr std::array kStems{"diffusion_pytorch_model", "model"};

std::optional<fs::path> weights_in(const fs::path& folder) {
  for (const char* stem : kStems) {
    for (const char* ending : {".safetensors", ".safetensors.index.json", ".fp16.safetensors"})
      if (fs::exists(folder / (std::string(stem) + ending))) return find_weights(folder, stem);
  }
  return std::nullopt;
}

Json checkpoint_json(const fs::path& folder) {
  const CheckpointInfo info = inspect_checkpoint(folder);
  Json json = {{"kind", "checkpoint"},
               {"path", folder.string()},
               {"role", name_of(info.kind)},
               {"prediction", name_of(info.prediction)},
               {"omega_embedding", info.omega_embedding},
               {"schedule",
                {{"beta_schedule", info.beta_schedule},
                 {"beta_start", info.beta_start},
                 {"beta_end", info.beta_end},
                 {"num_train_timesteps", info.num_train_timesteps},
                 {"steps_offset", info.steps_offset}}},
               {"hash", info.hash}};
  if (info.zero_terminal_snr) json["schedule"]["rescale_betas_zero_snr"] = true;
  if (!info.corrected.empty()) json["corrected_on_loading"] = info.corrected;
  if (info.kind == CheckpointKind::kConsistency) json["original_inference_steps"] = info.original_inference_steps;
  Json networks = Json::array();
  for (const NetworkPart& network : info.family->networks)
    if (const auto weights = weights_in(folder / network.folder))
      networks.push_back(network_json(folder / network.folder, std::string(network.folder), *weights));
  json["networks"] = std::move(networks);
  if (const auto record = read_training_record(folder, info.hash))
    json["training"] = training_json(trained_for(*record));
  return json;
}

// The hash of one file is its own; of shards it is hash_of_files of their index and them.
std::string hash_of(const fs::path& weights) {
  const auto files = weight_files(weights);
  return files.size() == 1 ? sha256_file(files.front()) : hash_of_files(files, weights.parent_path());
}

Json network_folder_json(const fs::path& folder, const fs::path& weights) {
  Json json = network_json(folder, folder.filename().string(), weights);
  json["hash"] = hash_of(weights);
  Json result = {{"kind", "network"}, {"path", folder.string()}};
  result.update(json);
  return result;
}

Json safetensors_json(const fs::path& path) {
  const auto file = SafetensorsFile::open(path);
  Json json = {{"kind", "safetensors"}, {"path", path.string()}};
  add_totals(json, file);
  json["hash"] = hash_of(path);
  json["metadata"] = file.metadata();
  Json list = Json::array();
  for (const auto& [name, view] : file.tensors())
    list.push_back({{"name", name}, {"dtype", name_of(view.dtype)}, {"shape", view.shape}});
  json["list"] = std::move(list);
  return json;
}

Json store_json(const fs::path& path) {
  auto store = Store::open(path, Store::Mode::kRead);
  Json json = {{"kind", "store"}, {"path", path.string()}, {"schema_version", schema_version(store)}};
  json["rows"] = count_rows(store);
  Json list = Json::array();
  for (const StoredRun& run : read_runs(store))
    list.push_back({{"run", run.id},
                    {"experiment", run.experiment},
                    {"state", end_text(run)},
                    {"cells", run.cells},
                    {"started", run.started},
                    {"ended", run.ended},
                    {"version", run.version}});
  json["runs"] = std::move(list);
  return json;
}

Json statistics_json(const fs::path& path) {
  const StatisticsFile file = read_statistics(path);
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  return {{"kind", "statistics"},
          {"path", path.string()},
          {"dimensions", file.gaussian.mean.size()},
          {"images", file.gaussian.count > 0 ? Json(file.gaussian.count) : Json(nullptr)},
          {"protocol", text_or_null(file.protocol)},
          {"network", text_or_null(file.network)},
          {"mean_norm", file.gaussian.mean.norm()},
          {"covariance_trace", file.gaussian.covariance.trace()},
          {"hash", sha256_file(path)}};
}

std::string first_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(16, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

Json describe(const fs::path& path) {
  std::error_code ignored;
  refuse_stand_in(path);
  if (!fs::exists(path, ignored)) throw input_error(path.string(), "expected a file or folder, found nothing there");
  if (fs::is_directory(path, ignored)) {
    const auto weights = weights_in(path);
    if (weights && fs::exists(path / "config.json")) return network_folder_json(path, *weights);
    return checkpoint_json(path);
  }
  const std::string name = path.filename().string();
  if (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json")) return safetensors_json(path);
  const std::string bytes = first_bytes(path);
  if (bytes.starts_with(kSqliteMagic) || name.ends_with(".sqlite")) return store_json(path);
  if (bytes.starts_with("PK") || name.ends_with(".npz")) return statistics_json(path);
  throw input_error(path.string(),
                    "expected a checkpoint folder, .safetensors file, store or statistics .npz, got another file");
}

}  // namespace

void run_inspect(const std::filesystem::path& path, bool json, std::ostream& out) {
  const Json description = describe(path);
  out << (json ? description.dump(2, ' ', true, Json::error_handler_t::replace) + "\n" : inspect_text(description))
      << std::flush;
  if (!out) throw environment_error("standard output", "cannot be written to its end");
}

}  // namespace fewstep
