#include "checkpoints/checkpoint_writer.h"

#include "checkpoints/checkpoint_info.h"
#include "core/error.h"
#include "core/files.h"
#include "formats/json.h"
#include "models/checkpoint_files.h"
#include "models/tokenizer/tokenizer_files.h"
#include "models/weights.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace fewstep {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

Error disk_error(const fs::path& path, const std::string& reason) {
  return environment_error(path.string(), "cannot be written: " + reason);
}

void sync(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const std::string reason = std::strerror(errno);
  if (fd >= 0) ::close(fd);
  if (!synced) throw disk_error(path, reason);
}

// A folder beside its destination, removed unless it was put in its place.
class Draft {
 public:
  explicit Draft(const fs::path& destination) : destination_(destination) {
    std::string pattern = destination.string() + ".tmp-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw disk_error(destination, std::strerror(errno));
    path_ = pattern;
    ::chmod(path_.c_str(), 0755);
  }
  ~Draft() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Draft(const Draft&) = delete;
  const fs::path& path() const { return path_; }

  // After an exchange the folder that was there before is at path_, and is removed.
  void put_in_place(bool replace) {
    for (const auto& entry : fs::recursive_directory_iterator(path_)) {
      if (entry.is_directory()) sync(entry.path());
    }
    sync(path_);
    std::error_code ignored;
    const bool exchange = replace && fs::exists(destination_, ignored);
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, destination_.c_str(),
                    exchange ? RENAME_EXCHANGE : RENAME_NOREPLACE) != 0)
      throw disk_error(destination_, std::strerror(errno));
    sync(fs::absolute(destination_).parent_path());
  }

 private:
  fs::path destination_, path_;
};

fs::path make_folder(const fs::path& path) {
  std::error_code failure;
  fs::create_directory(path, failure);
  if (failure) throw disk_error(path, failure.message());
  return path;
}

void copy_to_disk(const fs::path& from, const fs::path& to) {
  std::error_code failure;
  fs::copy_file(from, to, failure);
  if (failure)
    throw environment_error(to.string(), "cannot be copied from " + from.string() + ": " + failure.message());
  sync(to);
}

void write_json(const fs::path& path, const json& object) { write_file_atomically(path, object.dump(2) + "\n"); }

void write_content(const fs::path& folder, const NetworkContent& content, const std::string& stem,
                   std::optional<at::ScalarType> dtype) {
  write_json(folder / "config.json", content.config);
  // Transformers refuses a file that does not name its framework.
  save_tensors(folder / (stem + ".safetensors"), content.tensors, dtype, {{"format", "pt"}});
}

void write_network(const fs::path& folder, const NetworkSource& source, const std::string& stem,
                   std::optional<at::ScalarType> dtype) {
  make_folder(folder);
  if (const auto* content = std::get_if<NetworkContent>(&source)) return write_content(folder, *content, stem, dtype);
  const auto& from = std::get<fs::path>(source);
  copy_to_disk(from / "config.json", folder / "config.json");
  for (const auto& file : weight_files(find_weights(from, stem))) copy_to_disk(file, folder / file.filename());
}

void copy_tokenizer(const fs::path& folder, const fs::path& from) {
  for (const auto& file : tokenizer_files(from)) copy_to_disk(file, folder / file.filename());
}

json model_index(const fs::path& folder) {
  const json unet = read_json_object(folder / "unet/config.json");
  const json scheduler = read_json_object(folder / "scheduler/scheduler_config.json");
  const std::string scheduler_class = scheduler.value("_class_name", "");
  // The pipeline for LCMs embeds omega; students without the embedding run in the plain one.
  const bool embedded = unet.contains("time_cond_proj_dim") && !unet["time_cond_proj_dim"].is_null();
  const json none{nullptr, nullptr};
  return {{"_class_name", embedded && scheduler_class == "LCMScheduler" ? "LatentConsistencyModelPipeline"
                                                                        : "StableDiffusionPipeline"},
          {"scheduler", {"diffusers", scheduler_class}},
          {"text_encoder", {"transformers", "CLIPTextModel"}},
          {"tokenizer", {"transformers", "CLIPTokenizer"}},
          {"unet", {"diffusers", "UNet2DConditionModel"}},
          {"vae", {"diffusers", "AutoencoderKL"}},
          {"feature_extractor", none},
          {"image_encoder", none},
          {"safety_checker", none},
          {"requires_safety_checker", false}};
}

}  // namespace

void write_checkpoint(const fs::path& folder, const CheckpointContent& content, bool replace) {
  std::error_code ignored;
  if (!replace && fs::exists(folder, ignored))
    throw environment_error(folder.string(),
                            "expected a new folder, got one that exists; remove it or choose another name");
  Draft draft(folder);
  const fs::path& path = draft.path();
  write_network(path / "unet", content.unet, "diffusion_pytorch_model", content.dtype);
  write_network(path / "vae", content.vae, "diffusion_pytorch_model", content.dtype);
  write_network(path / "text_encoder", content.text_encoder, "model", content.dtype);
  copy_tokenizer(make_folder(path / "tokenizer"), content.tokenizer);
  write_json(make_folder(path / "scheduler") / "scheduler_config.json", content.scheduler);
  write_json(path / "model_index.json", model_index(path));
  if (!content.provenance.is_null()) write_json(path / "fewstep.json", content.provenance);
  inspect_checkpoint(path, false);
  draft.put_in_place(replace);
}

void write_network_folder(const fs::path& folder, const NetworkContent& network, const std::string& stem,
                          std::optional<at::ScalarType> dtype, const json& provenance, const fs::path& tokenizer) {
  make_folders(fs::absolute(folder).parent_path());
  Draft draft(folder);
  write_content(draft.path(), network, stem, dtype);
  if (!tokenizer.empty()) copy_tokenizer(draft.path(), tokenizer);
  if (!provenance.is_null()) write_json(draft.path() / "fewstep.json", provenance);
  draft.put_in_place(true);
}

}  // namespace fewstep
