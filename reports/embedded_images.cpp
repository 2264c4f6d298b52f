#include "reports/embedded_images.h"

#include "core/error.h"
#include "core/files.h"
#include "images/png_size.h"
#include "store/read.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace fewstep {
namespace {

constexpr std::uint64_t kMaxFileBytes = 32u << 20;
constexpr std::int64_t kMaxPixelsASide = 8192;

// A link out of the store's folder is as far away as "..".
bool is_inside(const std::filesystem::path& file, const std::filesystem::path& folder) {
  std::error_code failure;
  const auto real_folder = std::filesystem::canonical(folder.empty() ? "." : folder, failure);
  const auto real_file = std::filesystem::canonical(file, failure);
  if (failure) return false;
  return std::mismatch(real_folder.begin(), real_folder.end(), real_file.begin(), real_file.end()).first ==
         real_folder.end();
}

std::string why_unreadable(const std::filesystem::path& file, const std::filesystem::path& folder) {
  std::error_code failure;
  const auto status = std::filesystem::status(file, failure);
  if (!std::filesystem::exists(status)) return "image file is missing";
  if (!std::filesystem::is_regular_file(status)) return "image is no file";
  if (!is_inside(file, folder)) return "image lies outside the store's folder";
  if (std::filesystem::file_size(file, failure) > kMaxFileBytes) return "image file is too large";
  return "";
}

// What tells an image from those of other stores; the path may be anything.
std::string key_of(const Store& store, const StoredSample& sample) {
  return folder_of(store).string() + "\n" + sample.image_path;
}

}  // namespace

const EmbeddedImages::Loaded& EmbeddedImages::load(Store& store, const StoredSample& sample) {
  const auto [place, added] = loaded_.try_emplace(key_of(store, sample));
  Loaded& loaded = place->second;
  if (!added) return loaded;
  if (sample.image_path.empty()) {
    loaded.instead = "image not kept: --remake-pictures makes it";
    return loaded;
  }
  try {
    const auto file = stored_image(store, sample.image_path);
    loaded.instead = why_unreadable(file, folder_of(store));
    if (!loaded.instead.empty()) return loaded;
    const std::string bytes = read_file(file, kMaxFileBytes);
    const auto size = png_size(bytes);
    if (!size || std::min(size->width, size->height) < 1 || std::max(size->width, size->height) > kMaxPixelsASide) {
      loaded.instead = "image is no PNG of ours";
    } else {
      loaded.image = {size->width, size->height, base64(bytes)};
    }
  } catch (const Error&) {
    loaded.instead = "image cannot be read";
  }
  return loaded;
}

EmbeddedImages::Place EmbeddedImages::add(Store& store, const StoredSample& sample) {
  const Loaded& loaded = load(store, sample);
  const std::string key = key_of(store, sample);
  if (!loaded.instead.empty()) return {-1, loaded.instead};
  if (const auto known = index_.find(key); known != index_.end()) return {known->second, ""};
  if (loaded.image.base64.size() > left_) return {-1, "left out to keep the page small"};
  left_ -= loaded.image.base64.size();
  images_.push_back(loaded.image);
  index_.emplace(key, static_cast<int>(images_.size()) - 1);
  return {static_cast<int>(images_.size()) - 1, ""};
}

bool EmbeddedImages::add_all(const std::vector<std::pair<Store*, StoredSample>>& samples, std::vector<Place>& places) {
  std::size_t needed = 0;
  std::set<std::string> counted;
  for (const auto& [store, sample] : samples) {
    const Loaded& loaded = load(*store, sample);
    const std::string key = key_of(*store, sample);
    if (loaded.instead.empty() && !index_.contains(key) && counted.insert(key).second)
      needed += loaded.image.base64.size();
  }
  if (needed > left_) return false;
  for (const auto& [store, sample] : samples) places.push_back(add(*store, sample));
  return true;
}

}  // namespace fewstep
