#include "distill/train/train.h"

#include "checkpoints/checkpoint_info.h"
#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "datasets/shapes.h"
#include "distill/method.h"
#include "distill/train/training_data.h"
#include "distill/train/training_progress.h"
#include "models/tokenizer/tokenizer_writer.h"
#include "process/environment.h"
#include "process/interrupt.h"
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

// What decides the result beside the recipe: the content of what it names.
std::string contents_of(const Recipe& recipe, const CaptionedImages& data) {
  std::string text = "\n" + data.identity + "\n";
  for (const Path& path : {recipe.parent, recipe.network, recipe.vae, recipe.text_encoder, recipe.tokenizer})
    text += content_hash(path) + "\n";
  return text;
}

// The recipe without its number of steps, where that decides nothing but the end: in one phase, at a constant learning
// rate. Empty elsewhere.
std::string recipe_without_steps(const Recipe& recipe) {
  auto json = nlohmann::json::parse(recipe.canonical_json);
  if (recipe.train.decay != Decay::kConstant || json.erase("steps") == 0) return "";
  return json.dump();
}

Path state_file(const Recipe& recipe) { return recipe.output.string() + ".training.safetensors"; }
Path done_file(const Recipe& recipe) { return recipe.output.string() + ".trained.json"; }
// A finished student, while the one that takes its place is trained.
Path before(const Recipe& recipe) { return recipe.output.string() + ".before"; }

bool is_there(const Path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

bool is_done(const Recipe& recipe, const std::string& identity) {
  if (!is_there(done_file(recipe)) || !is_there(recipe.output)) return false;
  for (const std::int64_t step : recipe.train.keep_at)
    if (!is_there(kept_folder(recipe, step))) return false;
  const auto found = nlohmann::json::parse(read_file(done_file(recipe)), nullptr, false);
  return found.is_object() && found.value("identity", "") == identity;
}

// What another recipe, or another hand, put where the result will stand is not overwritten unasked.
void set_aside(const Recipe& recipe, bool again) {
  if (!is_there(recipe.output) || is_there(state_file(recipe))) return;
  if (!again) {
    const bool ours = is_there(done_file(recipe));
    throw usage_error(recipe.output.string(), std::string(ours ? "holds what another recipe, or other data, trained"
                                                               : "holds what this recipe did not train") +
                                                  "; `fewstep distill --again` trains anew and keeps it as " +
                                                  before(recipe).string() +
                                                  " until the new one is whole; or choose another output");
  }
  std::filesystem::remove_all(before(recipe));
  std::filesystem::rename(recipe.output, before(recipe));
}

}  // namespace

std::optional<LossCurve> train_recipe(const Recipe& given, at::Device device, bool again, std::ostream& messages) {
  Recipe recipe = given;
  const CaptionedImages data = data_of(recipe, messages);
  if (method_of(recipe).trains_text && recipe.tokenizer.empty()) {
    recipe.tokenizer = cache_folder(recipe) / "shapes-tokenizer";
    write_word_tokenizer(recipe.tokenizer, shape_words(), 16);
  }
  const std::string contents = contents_of(recipe, data), identity = sha256(recipe.canonical_json + contents);
  const std::string shorter = recipe_without_steps(recipe);
  if (!again && is_done(recipe, identity)) {
    messages << recipe.output.string() << " is trained by this recipe already (--again trains it anew)" << std::endl;
    return LossCurve{};
  }
  make_folders(recipe.output.parent_path());  // a place that cannot be written is told now, not after the training
  if (again) std::filesystem::remove(state_file(recipe));
  set_aside(recipe, again);
  TrainingState state(state_file(recipe), identity, shorter.empty() ? "" : sha256(shorter + contents),
                      recipe.train.steps);
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
  std::filesystem::remove_all(before(recipe));
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
