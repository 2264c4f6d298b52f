#include "harness/remake.h"

#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "harness/generate.h"
#include "harness/made_again.h"
#include "harness/progress.h"
#include "harness/text_states.h"
#include "images/files.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <span>
#include <tuple>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

using Pictures = std::span<const LostPicture>;

Checkpoint open_checkpoint(const LostPicture& picture, const Compute& compute) {
  const Path& folder = picture.cell.checkpoint_path;
  if (inspect_checkpoint(folder).hash != picture.series.checkpoint_sha256)
    throw input_error(folder.string(),
                      "expected the checkpoint that made the pictures, got another one; nothing is "
                      "remade from it");
  return load_checkpoint(folder, compute, false);
}

// What a checkpoint is loaded for, and the cells that it makes under one negative prompt.
auto group_of(const LostPicture& p) {
  return std::tie(p.cell.checkpoint_path, p.series.checkpoint_sha256, p.series.dtype, p.series.negative_prompt);
}

// Cuts the first pictures off that are equal in what key returns.
template <class Key>
Pictures take_equal(Pictures& pictures, const Key& key) {
  const auto end = std::ranges::find_if(pictures, [&](const auto& p) { return key(p) != key(pictures.front()); });
  const auto count = static_cast<std::size_t>(end - pictures.begin());
  const Pictures taken = pictures.first(count);
  pictures = pictures.subspan(count);
  return taken;
}

std::vector<std::string> texts_of(Pictures pictures) {
  std::set<std::string> texts;
  for (const LostPicture& picture : pictures) texts.insert(picture.text);
  return {texts.begin(), texts.end()};
}

// Makes the pictures of one group, a batch of one cell at a time.
class Remaker {
 public:
  Remaker(Pictures group, const std::string& device)
      : checkpoint_(open_checkpoint(group.front(), {parse_device(device), parse_dtype(group.front().series.dtype)})),
        texts_(texts_of(group)),
        states_(checkpoint_, texts_, group.front().series.negative_prompt) {}
  Remaker(const Remaker&) = delete;
  Remaker& operator=(const Remaker&) = delete;

  const Compute& compute() const { return checkpoint_.unet.compute; }
  ImageSize size(const LostPicture& p) const {
    return image_size(p.cell.checkpoint_path, p.series.height, p.series.width);
  }
  // The images again, as near as the rounding of another batch brings them.
  std::vector<Image> make(Pictures batch) {
    std::vector<std::uint64_t> streams;
    std::vector<std::size_t> rows;
    for (const LostPicture& picture : batch) {
      streams.push_back(stream_seed(picture.series.seed, picture.prompt_row, 0));
      rows.push_back(static_cast<std::size_t>(std::ranges::lower_bound(texts_, picture.text) - texts_.begin()));
    }
    Rng rng = image_rng(streams);
    const Tensor noise = rng.normal(size(batch.front()).latents(std::ssize(batch)));
    Evaluator evaluator(checkpoint_, states_.of(rows), states_.negative());
    const Denoised denoised = denoise(evaluator, denoising_of(batch.front().cell, checkpoint_.info), noise, rng);
    return to_images(decode(checkpoint_.vae, denoised.latents));
  }

 private:
  Checkpoint checkpoint_;
  std::vector<std::string> texts_;  // sorted
  TextStates states_;
};

// Keeps an image that is close to the stored one beside the store.
void keep(Store& store, const Path& path, const LostPicture& picture, const Image& image, at::ScalarType dtype) {
  const std::string hash = image_hash(image);
  const auto stored = store.find_image(picture.series_id, picture.prompt_row, 0);
  const bool close = stored && (stored->image_sha256 == hash ||
                                are_close(stored->fingerprint, fingerprint(image), rounding_bounds(dtype)));
  if (!close)
    throw input_error(path.string(), "expected a picture close to the stored one for prompt row " +
                                         std::to_string(picture.prompt_row) + " of " + label_of(picture.cell) +
                                         ", got another; another program or machine made it");
  const Path folder = Path(path).replace_extension(".images"), file = folder / (hash + ".png");
  make_folders(folder);
  if (!std::filesystem::exists(file)) write_png(file, image);
  store.set_image_path(picture.series_id, picture.prompt_row, 0, (folder.filename() / file.filename()).string());
}

}  // namespace

void remake_pictures(const Path& path, std::vector<LostPicture> pictures, const std::string& device,
                     std::ostream& messages) {
  if (pictures.empty()) return;
  const c10::InferenceMode inference;
  Store store = Store::open(path, Store::Mode::kWrite);
  messages << "remaking " << pictures.size() << " pictures of " << path.string() << std::endl;
  Progress progress(messages, 0, std::ssize(pictures), "pictures of single prompts");
  const auto series = [](const LostPicture& p) { return p.series_id; };
  std::ranges::stable_sort(pictures, {},
                           [&](const auto& p) { return std::tuple_cat(group_of(p), std::tuple(series(p))); });
  for (Pictures left = pictures; !left.empty();) {
    Pictures group = take_equal(left, group_of);
    Remaker remaker(group, device);
    const auto at_once =
        static_cast<std::size_t>(default_batch(remaker.size(group.front()), remaker.compute().device.is_cuda()));
    while (!group.empty()) {
      for (Pictures cell = take_equal(group, series); !cell.empty();) {
        const Pictures batch = cell.first(std::min(at_once, cell.size()));
        const std::vector<Image> images = remaker.make(batch);
        for (std::size_t i = 0; i < batch.size(); ++i) keep(store, path, batch[i], images[i], remaker.compute().dtype);
        progress.add_images(std::ssize(batch));
        cell = cell.subspan(batch.size());
      }
    }
  }
  progress.clear();
}

}  // namespace fewstep
