#include "harness/remake.h"

#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "harness/generate.h"
#include "harness/made_again.h"
#include "harness/progress.h"
#include "images/files.h"

#include <c10/core/InferenceMode.h>

#include <map>
#include <ostream>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

Checkpoint open_checkpoint(const LostPicture& picture, const Compute& compute) {
  const Path& folder = picture.cell.checkpoint_path;
  if (inspect_checkpoint(folder).hash != picture.series.checkpoint_sha256)
    throw input_error(folder.string(),
                      "expected the checkpoint that made the pictures, got another one; nothing is "
                      "remade from it");
  return load_checkpoint(folder, compute, false);
}

// The one image again, as near as its own batch size of one brings it.
Image remade(const Checkpoint& checkpoint, const LostPicture& picture) {
  const SeriesKey& series = picture.series;
  const ImageSize size = image_size(picture.cell.checkpoint_path, series.height, series.width);
  const std::vector<std::uint64_t> streams{stream_seed(series.seed, picture.prompt_row, 0)};
  Rng rng = image_rng(streams);
  const Tensor noise = rng.normal(size.latents(1));
  const Tensor states = encode_prompts(checkpoint, std::span(&picture.text, 1));
  const Tensor negative = encode_prompts(checkpoint, std::span(&series.negative_prompt, 1));
  Evaluator evaluator(checkpoint, states, negative);
  const Denoised denoised = denoise(evaluator, denoising_of(picture.cell, checkpoint.info), noise, rng);
  return to_images(decode(checkpoint.vae, denoised.latents)).front();
}

}  // namespace

void remake_pictures(const Path& path, const std::vector<LostPicture>& pictures, const std::string& device,
                     std::ostream& messages) {
  if (pictures.empty()) return;
  const c10::InferenceMode inference;
  Store store = Store::open(path, Store::Mode::kWrite);
  const Path folder = Path(path).replace_extension(".images");
  make_folders(folder);
  messages << "remaking " << pictures.size() << " pictures of " << path.string() << std::endl;
  Progress progress(messages, 0, static_cast<std::int64_t>(pictures.size()), "pictures of single prompts");
  std::map<Path, Checkpoint> checkpoints;
  for (const LostPicture& picture : pictures) {
    const Compute compute{parse_device(device), parse_dtype(picture.series.dtype)};
    auto found = checkpoints.find(picture.cell.checkpoint_path);
    if (found == checkpoints.end())
      found = checkpoints.emplace(picture.cell.checkpoint_path, open_checkpoint(picture, compute)).first;
    const Image image = remade(found->second, picture);
    const std::string hash = image_hash(image);
    const auto stored = store.find_image(picture.series_id, picture.prompt_row, 0);
    const bool close = stored && (stored->image_sha256 == hash ||
                                  are_close(stored->fingerprint, fingerprint(image), rounding_bounds(compute.dtype)));
    if (!close)
      throw input_error(path.string(), "expected a picture close to the stored one for prompt row " +
                                           std::to_string(picture.prompt_row) + " of " + label_of(picture.cell) +
                                           ", got another; another program or machine made it");
    const Path file = folder / (hash + ".png");
    if (!std::filesystem::exists(file)) write_png(file, image);
    store.set_image_path(picture.series_id, picture.prompt_row, 0, (folder.filename() / file.filename()).string());
    progress.add_images(1);
  }
  progress.clear();
}

}  // namespace fewstep
