#include "harness/generate/remake.h"

#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "harness/generate/generate.h"
#include "harness/generate/regenerated.h"
#include "harness/generate/run_facts.h"
#include "harness/generate/text_states.h"
#include "images/files.h"
#include "process/progress.h"
#include "store/read.h"
#include "store/read_samples.h"

#include <c10/core/InferenceMode.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <span>
#include <tuple>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

using Pictures = std::span<const LostPicture>;

Checkpoint open_checkpoint(const LostPicture& picture, const Compute& compute) {
  if (inspect_checkpoint(picture.cell.checkpoint).hash != picture.cell.key.checkpoint_sha256)
    throw input_error(picture.cell.checkpoint.label(),
                      "expected the checkpoint that made the pictures, got another one; nothing is "
                      "remade from it");
  return load_checkpoint(picture.cell.checkpoint, compute, false);
}

// What a checkpoint is loaded for, and the negative prompt.
auto group_of(const LostPicture& p) {
  return std::tie(p.cell.checkpoint, p.cell.key.checkpoint_sha256, p.cell.key.dtype, p.cell.key.negative_prompt);
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

// The place of a picture among the images that went through the networks together.
struct Place {
  std::int64_t size = 0, position = 0;
  auto operator<=>(const Place&) const = default;
};

// A picture that is wanted, by its prompt's number in the cell.
struct Wanted {
  const LostPicture* picture = nullptr;
  std::size_t prompt = 0;
};

// Makes the lost pictures of one cell. Kernels are chosen by a batch's shape, and an image's arithmetic by its place
// there: pictures of different batches share one where their places differ.
class CellRemaker {
 public:
  CellRemaker(Store& store, const Checkpoint& checkpoint, Pictures pictures)
      : store_(store), checkpoint_(checkpoint), first_(pictures.front()) {
    for (const StoredPrompt& prompt : prompts_of(store, first_.series_id)) {
      rows_.push_back(prompt.row);
      texts_.push_back(prompt.text);
    }
    for (const LostPicture& picture : pictures) {
      const auto row = std::ranges::lower_bound(rows_, picture.prompt_row);
      const auto prompt = static_cast<std::size_t>(row - rows_.begin());
      if (row == rows_.end() || *row != picture.prompt_row)
        throw input_error(
            path_of(store).string(),
            fmt::format("expected a sample of every picture, got none of prompt row {}", picture.prompt_row));
      wanted_[place_of(prompt)].push_back({&picture, prompt});
    }
  }

  // use(picture, image, last): whether it keeps the image. A small batch of the pictures alone makes most of them
  // bit-identical; the others are made again at their places, the last time.
  template <class Use>
  void make(int at_once, const Use& use) {
    TextStates states(checkpoint_, texts_, first_.cell.key.negative_prompt);
    const Denoising denoising = denoising_of(first_.cell.key, checkpoint_.info);
    std::vector<Wanted> all;
    for (const auto& [place, pictures] : wanted_) all.insert(all.end(), pictures.begin(), pictures.end());
    std::set<const LostPicture*> kept;
    for (auto left = std::span<const Wanted>(all); !left.empty();) {
      const auto batch = left.first(std::min(left.size(), static_cast<std::size_t>(at_once)));
      const std::vector<Image> images = images_of(batch, states, denoising);
      for (std::size_t i = 0; i < batch.size(); ++i)
        if (use(*batch[i].picture, images[i], false)) kept.insert(batch[i].picture);
      left = left.subspan(batch.size());
    }
    for (auto& [place, pictures] : wanted_)
      std::erase_if(pictures, [&](const Wanted& one) { return kept.contains(one.picture); });
    std::erase_if(wanted_, [](const auto& place) { return place.second.empty(); });
    while (!wanted_.empty()) {
      const auto [batch, taken] = next_batch();
      const std::vector<Image> images = images_of(batch, states, denoising);
      for (const std::size_t place : taken) use(*batch[place].picture, images[place], true);
    }
  }

  ImageSize size() const { return image_size(first_.cell.checkpoint, first_.cell.key.height, first_.cell.key.width); }

 private:
  std::vector<Image> images_of(std::span<const Wanted> batch, TextStates& states, const Denoising& denoising) const {
    std::vector<std::uint64_t> streams;
    std::vector<std::size_t> prompts;
    for (const Wanted& one : batch) {
      streams.push_back(stream_seed(first_.cell.key.seed, one.picture->prompt_row, 0));
      prompts.push_back(one.prompt);
    }
    Rng rng = image_rng(streams);
    const Tensor noise = rng.normal(size().latents(std::ssize(batch)));
    return to_images(make_images(checkpoint_, denoising, states.of(prompts), states.negative(), noise, rng).images);
  }

  // Images of a batch in the run that made a picture.
  std::int64_t batch_of(const MadeIn& made) {
    const auto [at, is_new] = batches_.try_emplace(made.run_id);
    if (is_new) {
      const int batch = batch_of_run(read_facts(store_, made.run_id));
      at->second = batch > 0 ? batch : default_batch(size(), first_.cell.key.device_kind == "cuda");
    }
    return at->second;
  }

  Place place_of(std::size_t prompt) {
    const auto made = made_in(store_, first_.series_id, rows_[prompt], 0);
    if (!made) return {1, 0};
    const std::int64_t batch = batch_of(*made);
    const std::int64_t image = static_cast<std::int64_t>(prompt) * first_.images_per_prompt;
    Place place{std::min(batch, std::max(made->cell_images - image / batch * batch, image % batch + 1)), image % batch};
    if (!made->together || *made->together < 1) return place;
    const std::int64_t part = place.position / *made->together * *made->together;
    return {std::min<std::int64_t>(*made->together, place.size - part), place.position - part};
  }

  // A batch of one size, the first picture at places where none is wanted, and the places of those that are.
  std::pair<std::vector<Wanted>, std::vector<std::size_t>> next_batch() {
    const std::int64_t images = wanted_.begin()->first.size;
    std::vector<Wanted> batch(static_cast<std::size_t>(images), wanted_.begin()->second.front());
    std::vector<std::size_t> taken;
    for (auto at = wanted_.begin(); at != wanted_.end() && at->first.size == images;) {
      const auto place = static_cast<std::size_t>(at->first.position);
      batch[place] = at->second.back();
      taken.push_back(place);
      at->second.pop_back();
      at = at->second.empty() ? wanted_.erase(at) : std::next(at);
    }
    return {std::move(batch), std::move(taken)};
  }

  Store& store_;
  const Checkpoint& checkpoint_;
  const LostPicture& first_;
  std::vector<std::int64_t> rows_;  // of the cell's prompts, rising
  std::vector<std::string> texts_;
  std::map<std::int64_t, std::int64_t> batches_;  // by run
  std::map<Place, std::vector<Wanted>> wanted_;
};

enum class Likeness { kEqual, kClose, kOther };

Likeness likeness_of(const std::optional<StoredImage>& stored, const Image& image, at::ScalarType dtype) {
  if (stored && stored->image_sha256 == image_hash(image)) return Likeness::kEqual;
  const bool close = stored && are_close(stored->fingerprint, fingerprint(image), rounding_bounds(dtype));
  return close ? Likeness::kClose : Likeness::kOther;
}

// Beside the store, under the name of its content.
void keep(Store& store, const Path& path, const LostPicture& picture, const Image& image) {
  const Path folder = Path(path).replace_extension(".images"), file = folder / (image_hash(image) + ".png");
  make_folders(folder);
  if (!std::filesystem::exists(file)) write_png(file, image);
  store.set_image_path(picture.series_id, picture.prompt_row, 0, (folder.filename() / file.filename()).string());
}

Error another_picture(const Path& path, const LostPicture& picture) {
  return input_error(path.string(), fmt::format("expected a picture close to the stored one for prompt row {} of {}, "
                                                "got another; another program or machine made it",
                                                picture.prompt_row, cell_label(picture.cell.key)));
}

}  // namespace

void remake_pictures(const Path& path, std::vector<LostPicture> pictures, const std::string& device,
                     std::ostream& messages) {
  if (pictures.empty()) return;
  const c10::InferenceMode inference;
  Store store = Store::open(path, Store::Mode::kWrite);
  messages << "remaking " << pictures.size() << " pictures of " << path.string() << ", kept in "
           << Path(path).replace_extension(".images").string() << std::endl;
  Progress progress(messages, 0, std::ssize(pictures), "pictures");
  std::int64_t close = 0;
  const auto series = [](const LostPicture& p) { return p.series_id; };
  std::ranges::stable_sort(pictures, {},
                           [&](const auto& p) { return std::tuple_cat(group_of(p), std::tuple(series(p))); });
  for (Pictures left = pictures; !left.empty();) {
    Pictures group = take_equal(left, group_of);
    const Checkpoint checkpoint =
        open_checkpoint(group.front(), {parse_device(device), parse_dtype(group.front().cell.key.dtype)});
    const Compute& compute = checkpoint.pipeline.compute;
    while (!group.empty()) {
      CellRemaker remaker(store, checkpoint, take_equal(group, series));
      remaker.make(default_batch(remaker.size(), compute.device.is_cuda()),
                   [&](const LostPicture& picture, const Image& image, bool last) {
                     const auto stored = store.find_image(picture.series_id, picture.prompt_row, 0);
                     const Likeness likeness = likeness_of(stored, image, compute.dtype);
                     if (likeness != Likeness::kEqual && !last) return false;
                     if (likeness == Likeness::kOther) throw another_picture(path, picture);
                     keep(store, path, picture, image);
                     close += likeness == Likeness::kClose;
                     progress.add_images(1);
                     return true;
                   });
    }
  }
  progress.clear();
  if (close > 0)
    messages << close << " of them are the stored pictures within rounding, not bit-identical: another machine or "
             << "device made those" << std::endl;
}

}  // namespace fewstep
