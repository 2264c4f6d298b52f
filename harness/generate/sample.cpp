#include "harness/generate/sample.h"
#include "datasets/pairing.h"

#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "core/folder.h"
#include "core/names.h"
#include "harness/generate/cut_captions.h"
#include "harness/generate/generate.h"
#include "images/contact_sheet.h"
#include "images/files.h"
#include "models/weights.h"
#include "process/interrupt.h"
#include "process/progress.h"
#include "process/torch_errors.h"
#include "settings/usual_sampling.h"
#include "store/trained_for.h"

#include <ATen/ops/cat.h>
#include <c10/core/InferenceMode.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <ostream>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostOnASheet = 256;

// Beside the folder: what lies in it is scored.
fs::path sheet_of(const SampleRequest& request) { return without_slash(request.output).string() + ".png"; }

std::filesystem::path free_folder(const fs::path& checkpoint) {
  const fs::path first = fs::path("samples") / folder_name(checkpoint);
  fs::path folder = first;
  std::error_code ignored;
  for (int n = 2; fs::exists(folder, ignored); ++n) folder = fmt::format("{}-{}", first.string(), n);
  return folder;
}

// What was not said, by what the checkpoint is and was trained for.
SampleRequest completed(SampleRequest request, const CheckpointInfo& checkpoint, std::ostream& messages) {
  const TrainedFor training = trained_for(request.checkpoint);
  const UsualSampling usual = usual_sampling(checkpoint, {training.omega_low, training.omega_high, training.steps});
  if (request.steps == 0) request.steps = static_cast<int>(request.times.size());
  const bool tells = request.sampler.empty() || request.steps == 0 || !request.guidance;
  if (tells && !usual.why.empty()) messages << usual.why << std::endl;
  if (request.sampler.empty()) request.sampler = usual.sampler;
  if (request.steps == 0) request.steps = usual.steps;
  if (!request.guidance) request.guidance = usual.guidance;
  if (request.output.empty()) request.output = free_folder(request.checkpoint);
  return request;
}

CellKey key_of(const SampleRequest& request, const CheckpointInfo& checkpoint) {
  const SamplerInfo& sampler = find_by_name(kSamplers, request.sampler, "--sampler");
  const bool lcm = sampler.kind == CheckpointKind::kConsistency;
  GridSpec grid{request.spacing.value_or(lcm && request.times.empty() ? Spacing::kLcm : Spacing::kTrailing), 0,
                request.times};
  if (!is_fit(sampler, checkpoint, grid)) throw unfit_sampler("--sampler", request.sampler, checkpoint);
  tell_lcm_on_teacher("--times", sampler, checkpoint);
  tell_negative_guidance("--guidance-scale", *request.guidance, checkpoint);
  if (is_lcm(grid.spacing))
    grid.original_inference_steps =
        request.original_inference_steps > 0 ? request.original_inference_steps : checkpoint.original_inference_steps;
  CellKey key;
  key.checkpoint_name = folder_name(request.checkpoint);
  key.sampler = request.sampler;
  key.steps = request.steps;
  key.omega = request.guidance->omega;
  key.given_as_guidance_scale = request.guidance->given_as_guidance_scale;
  key.spacing = grid_word(grid);
  key.original_inference_steps = grid.original_inference_steps;
  key.final_sigma = name_of(request.final_sigma);
  key.negative_prompt = request.negative_prompt;
  key.seed = request.seed;
  return key;
}

// "lcm, 4 steps, omega 7 (guidance_scale 8), grid lcm of 50 original steps"
std::string method_of(const CellKey& key) {
  std::string text = fmt::format("{}, {}, omega {:.6g} (guidance_scale {:.6g}), grid {}", key.sampler,
                                 phrase(cell_axis("steps"), key), key.omega, key.omega + 1, key.spacing);
  if (key.original_inference_steps > 0) text += fmt::format(" of {} original steps", key.original_inference_steps);
  if (key.final_sigma != name_of(FinalSigma::kZero)) text += ", final_sigma " + key.final_sigma;
  return text + later_axes_text(key);
}

PromptSet captions_of(const SampleRequest& request, std::ostream& messages) {
  if (request.prompts) {
    PromptSet set = read_prompts({.file = *request.prompts, .can_raise = false});
    messages << text_of(set, *request.prompts) << std::endl;
    if (!request.row) return set;
    std::erase_if(set.prompts, [&](const Prompt& prompt) { return prompt.row != *request.row; });
    if (set.prompts.empty())
      throw usage_error("--row", fmt::format("expected a row of {} that has a caption, got {}",
                                             request.prompts->string(), *request.row));
    return set;
  }
  PromptSet prompts;
  prompts.prompts.push_back({0, *request.prompt});
  return prompts;
}

// Where images start from: given latents and noise, or each image's own stream.
struct Starts {
  std::optional<Tensor> latents, noise;  // [B,C,h,w], [D,B,C,h,w]
};

Starts read_starts(const SampleRequest& request, const ImageSize& size, bool stochastic) {
  if (!request.latents) return {};
  const std::string where = request.latents->string();
  const auto tensors = load_tensors(*request.latents);
  const auto at = [&](const char* name, std::int64_t dimensions) -> std::optional<Tensor> {
    const auto found = tensors.find(name);
    if (found == tensors.end()) return std::nullopt;
    if (found->second.dim() != dimensions || found->second.size(-3) != size.channels || found->second.numel() == 0) {
      throw input_error(where, fmt::format("{}: expected {} dimensions with {} channels, got [{}]", name, dimensions,
                                           size.channels, fmt::join(found->second.sizes(), ",")));
    }
    return found->second.to(at::kFloat);
  };
  Starts starts{at("latents", 4), at("noise", 5)};
  if (!starts.latents) throw input_error(where, "expected a tensor latents [B,4,h,w], found none");
  const std::int64_t draws = stochastic ? request.steps - 1 : 0;
  if (draws == 0) starts.noise.reset();
  if (draws == 0 ||
      (starts.noise && starts.noise->size(0) >= draws && starts.noise->size(1) == starts.latents->size(0)))
    return starts;
  throw input_error(where, fmt::format("expected a tensor noise [{},{},…] for {} at {} steps, found {}", draws,
                                       starts.latents->size(0), request.sampler, request.steps,
                                       starts.noise ? "another shape" : "none"));
}

// One caption for each image: a single one serves all given latents.
std::vector<Prompt> prompt_per_image(const SampleRequest& request, std::vector<Prompt> prompts, const Starts& starts) {
  if (!starts.latents) return prompts;
  const auto images = static_cast<std::size_t>(starts.latents->size(0));
  if (request.prompt) prompts.resize(images, prompts.front());
  if (prompts.size() == images) return prompts;
  throw input_error(request.latents->string(),
                    fmt::format("expected latents for {} captions, got {}", prompts.size(), images));
}

class Sampling {
 public:
  Sampling(const SampleRequest& request, const Checkpoint& checkpoint, const CellKey& key, ImageSize size,
           Starts starts)
      : request_(request),
        checkpoint_(checkpoint),
        denoising_(denoising_of(key, checkpoint.info)),
        size_(size),
        starts_(std::move(starts)),
        negative_(checkpoint.pipeline.encode(std::span(&request.negative_prompt, 1))),
        label_(cell_label(key)) {}

  void make(std::span<const Prompt> prompts, std::size_t first) {
    std::vector<std::string> texts;
    std::vector<std::uint64_t> streams;
    for (const Prompt& prompt : prompts) {
      texts.push_back(prompt.text);
      streams.push_back(stream_seed(request_.seed, prompt.row, 0));
    }
    const auto count = static_cast<std::int64_t>(prompts.size()), begin = static_cast<std::int64_t>(first);
    Rng rng = starts_.noise ? recorded_rng(starts_.noise->narrow(1, begin, count)) : image_rng(streams);
    const Tensor start = starts_.latents ? starts_.latents->narrow(0, begin, count) : rng.normal(size_.latents(count));
    const auto [latents, decoded] =
        make_images(checkpoint_, denoising_, checkpoint_.pipeline.encode(texts), negative_, start, rng);
    const std::vector<Image> images = to_images(decoded);
    for (std::size_t b = 0; b < images.size(); ++b) {
      const std::string file = fmt::format("{:05}.png", first + b);
      write_png(request_.output / file, images[b]);
      rows_.push_back({file, prompts[b].text, prompts[b].row, label_});
      if (request_.contact_sheet && sheet_.size() < kMostOnASheet) sheet_.push_back(images[b]);
    }
    if (!request_.save_latents) return;
    latents_.push_back(latents.to(at::kCPU, at::kFloat));
    images_.push_back(decoded.to(at::kCPU, at::kFloat));
  }

  void save() const {
    if (!rows_.empty()) write_captions(request_.output, rows_);
    if (!sheet_.empty()) write_png(sheet_of(request_), contact_sheet(sheet_));
    if (request_.save_latents && !latents_.empty())
      save_tensors(*request_.save_latents, {{"latents", at::cat(latents_)}, {"images", at::cat(images_)}});
  }

 private:
  const SampleRequest& request_;
  const Checkpoint& checkpoint_;
  const Denoising denoising_;
  const ImageSize size_;
  const Starts starts_;
  const Conditioning negative_;
  const std::string label_;
  std::vector<CaptionRow> rows_;
  std::vector<Tensor> latents_, images_;
  std::vector<Image> sheet_;
};

// Makes an image of each prompt; returns how many before a signal came.
std::size_t make_all(const CellKey& key, std::size_t batch, std::span<const Prompt> prompts, Sampling& sampling,
                     std::ostream& messages) {
  Progress progress(messages, 0, static_cast<std::int64_t>(prompts.size()));
  progress.begin_cell(cell_label(key));
  std::size_t done = 0;
  for (; done < prompts.size() && !interrupted(); done += std::min(batch, prompts.size() - done)) {
    const auto some = prompts.subspan(done, std::min(batch, prompts.size() - done));
    sampling.make(some, done);
    progress.add_images(static_cast<std::int64_t>(some.size()));
  }
  progress.clear();
  sampling.save();
  return done;
}

}  // namespace

// Images of two runs in one folder would be scored as one set.
void refuse_to_mix(const SampleRequest& request, std::size_t images) {
  if (request.force) return;
  std::error_code ignored;
  const auto refuse = [](const std::filesystem::path& path, const std::string& what) {
    throw usage_error(path.string(), what + "; choose another place, or --force writes over it");
  };
  if (request.save_latents && std::filesystem::exists(*request.save_latents, ignored))
    refuse(*request.save_latents, "is there already");
  std::vector<std::string> numbered;
  for (const auto& entry : std::filesystem::directory_iterator(request.output, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_number =
        name.size() == 9 && name.ends_with(".png") && name.find_first_not_of("0123456789") == name.size() - 4;
    if (is_number || name == kCaptionsFile) numbered.push_back(name);
  }
  if (numbered.empty()) return;
  std::sort(numbered.begin(), numbered.end());
  const bool ours = std::any_of(numbered.begin(), numbered.end(), [&](const std::string& name) {
    return name == kCaptionsFile || name < fmt::format("{:05}.png", images);
  });
  refuse(request.output / numbered.front(), ours ? "would be written over" : "is a numbered image of another run");
}

int run_sample(const SampleRequest& given, std::ostream& out, std::ostream& messages) {
  std::error_code ignored;
  if (given.prompt && !fs::exists(given.checkpoint, ignored) && fs::is_directory(*given.prompt, ignored))
    throw usage_error("sample", "expected the checkpoint before the caption, got " + given.checkpoint.string() +
                                    " before the folder " + *given.prompt);
  const CheckpointInfo info = inspect_checkpoint(given.checkpoint, false);
  const SampleRequest request = completed(given, info, messages);
  const CellKey key = key_of(request, info);
  const Compute compute{parse_device(request.device), parse_dtype(request.dtype)};
  const c10::InferenceMode inference;
  ImageSize size = image_size(request.checkpoint, request.height, request.width);
  Starts starts = read_starts(request, size, find_sampler(key.sampler).stochastic);
  if (starts.latents) {
    size.height = static_cast<int>(starts.latents->size(2) * size.downscale);
    size.width = static_cast<int>(starts.latents->size(3) * size.downscale);
  }
  const std::vector<Prompt> prompts = prompt_per_image(request, captions_of(request, messages).prompts, starts);
  refuse_to_mix(request, prompts.size());
  make_folders(request.output);
  catch_interrupts();
  return with_our_errors([&] {
    const Checkpoint checkpoint = load_checkpoint(request.checkpoint, compute, false);
    std::vector<std::string> texts;
    for (const Prompt& prompt : prompts) texts.push_back(prompt.text);
    if (const CutCaptions cut = cut_captions(checkpoint.pipeline.tokenizers, texts); cut.count > 0)
      messages << text_of(cut, prompts[cut.longest].row) << std::endl;
    Sampling sampling(request, checkpoint, key, size, std::move(starts));
    const int batch = request.batch > 0 ? request.batch : default_batch(size, compute.device.is_cuda());
    const std::size_t done = make_all(key, static_cast<std::size_t>(batch), prompts, sampling, messages);
    out << fmt::format("{} image{} in {}: {}\n", done, done == 1 ? "" : "s", request.output.string(), method_of(key));
    if (request.contact_sheet && done > 0) out << "contact sheet: " << sheet_of(request).string() << "\n";
    out << std::flush;
    return static_cast<int>(done == prompts.size() ? ExitCode::kOk : ExitCode::kInterrupted);
  });
}

}  // namespace fewstep
