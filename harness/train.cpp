#include "harness/train.h"

#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "datasets/shapes.h"
#include "distill/method.h"
#include "harness/environment.h"
#include "harness/interrupt.h"
#include "harness/training_data.h"
#include "harness/training_progress.h"
#include "models/checkpoint_info.h"
#include "models/tokenizer/tokenizer_writer.h"
#include "settings/methods.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <ostream>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

// All files below a path, with their hashes. Identities of trained results are made of these lines, so that their
// format stays.
std::string content_hash(const Path& path) {
  if (path.empty()) return "";
  if (std::filesystem::is_regular_file(path)) return sha256_file(path);
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           path, std::filesystem::directory_options::follow_directory_symlink)) {
    if (entry.is_regular_file())
      lines.push_back(sha256_file(entry.path()) + " " + entry.path().lexically_relative(path).string() + "\n");
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const auto& line : lines) all += line;
  return sha256(all);
}

// Says what was taken where it comes from files.
CaptionedImages data_of(const Recipe& recipe, std::ostream& messages) {
  CaptionedImages data = training_images(recipe.data, find_by_name(kMethods, recipe.method, "method").needs_captions);
  if (!data.text.empty()) messages << "data: " << data.text << std::endl;
  return data;
}

// All that decides the result: the recipe and the content of what it names.
std::string identity_of(const Recipe& recipe, const CaptionedImages& data) {
  std::string text = recipe.canonical_json + "\n" + data.identity + "\n";
  for (const Path& path : {recipe.parent, recipe.network, recipe.vae, recipe.text_encoder, recipe.tokenizer})
    text += content_hash(path) + "\n";
  return sha256(text);
}

Path state_file(const Recipe& recipe) { return recipe.output.string() + ".training.safetensors"; }
Path done_file(const Recipe& recipe) { return recipe.output.string() + ".trained.json"; }

bool is_done(const Recipe& recipe, const std::string& identity) {
  if (!std::filesystem::exists(done_file(recipe)) || !std::filesystem::exists(recipe.output)) return false;
  for (const std::int64_t step : recipe.train.keep_at)
    if (!std::filesystem::exists(kept_folder(recipe, step))) return false;
  const auto found = nlohmann::json::parse(read_file(done_file(recipe)), nullptr, false);
  return found.is_object() && found.value("identity", "") == identity;
}

}  // namespace

std::optional<LossCurve> train_recipe(const Recipe& given, at::Device device, bool again, std::ostream& messages) {
  Recipe recipe = given;
  const CaptionedImages data = data_of(recipe, messages);
  if (recipe.method == "clip" && recipe.tokenizer.empty()) {
    recipe.tokenizer = cache_folder(recipe) / "shapes-tokenizer";
    write_word_tokenizer(recipe.tokenizer, shape_words(), 16);
  }
  const std::string identity = identity_of(recipe, data);
  if (!again && is_done(recipe, identity)) {
    messages << recipe.output.string() << " is trained by this recipe already (--again trains it anew)" << std::endl;
    return LossCurve{};
  }
  make_folders(recipe.output.parent_path());  // a place that cannot be written is told now, not after the training
  if (again) std::filesystem::remove(state_file(recipe));
  TrainingState state(state_file(recipe), identity);
  TrainingProgress progress(messages, recipe);
  TrainingContext context{
      device,
      data,
      [&](std::int64_t index) { return labels_of(recipe.data, index); },
      state,
      {[&](const std::string& phase, std::int64_t steps) { progress.begin(phase, steps); },
       [&](const LossPoint& point, std::int64_t images) { progress.report(point, images); }, interrupted},
      [&](std::int64_t done, std::int64_t all) { progress.encoded(done, all); }};
  const auto environment = nlohmann::json::parse(environment_json(device));
  context.device_name = environment.value("device", "");
  context.commit = environment.value("commit", "");
  const bool complete = training_of(recipe)(recipe, context);
  progress.clear();
  if (!complete) return {};
  write_file_atomically(done_file(recipe), nlohmann::json{{"identity", identity}}.dump() + "\n");
  std::filesystem::remove(state_file(recipe));
  return state.curve();
}

int run_distill(const DistillRequest& request, std::ostream& out, std::ostream& messages) {
  const Recipe recipe = read_recipe(request.recipe, request.set);
  if (request.dry_run) {
    data_of(recipe, messages);  // also for what is left out
    out << dry_run_text(recipe);
    return 0;
  }
  catch_interrupts();
  const auto curve = train_recipe(recipe, parse_device(request.device), request.again, messages);
  if (!curve) {
    messages << "interrupted: what is done is kept; the same command continues" << std::endl;
    return static_cast<int>(ExitCode::kInterrupted);
  }
  out << recipe.output.string() << std::endl;
  return 0;
}

}  // namespace fewstep
