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

}  // namespace

const EmbeddedImages::Loaded& EmbeddedImages::load(const StoredSample& sample) {
  const auto [place, added] = loaded_.try_emplace(sample.image_path);
  Loaded& loaded = place->second;
  if (!added) return loaded;
  if (sample.image_path.empty()) {
    loaded.instead = "image not kept";
    return loaded;
  }
  try {
    const auto file = stored_image(store_, sample.image_path);
    loaded.instead = why_unreadable(file, folder_of(store_));
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

EmbeddedImages::Place EmbeddedImages::add(const StoredSample& sample) {
  const Loaded& loaded = load(sample);
  if (!loaded.instead.empty()) return {-1, loaded.instead};
  if (const auto known = index_.find(sample.image_path); known != index_.end()) return {known->second, ""};
  if (loaded.image.base64.size() > left_) return {-1, "left out to keep the page small"};
  left_ -= loaded.image.base64.size();
  images_.push_back(loaded.image);
  index_.emplace(sample.image_path, static_cast<int>(images_.size()) - 1);
  return {static_cast<int>(images_.size()) - 1, ""};
}

bool EmbeddedImages::add_all(const std::vector<StoredSample>& samples, std::vector<Place>& places) {
  std::size_t needed = 0;
  std::set<std::string> counted;
  for (const StoredSample& sample : samples) {
    const Loaded& loaded = load(sample);
    if (loaded.instead.empty() && !index_.contains(sample.image_path) && counted.insert(sample.image_path).second)
      needed += loaded.image.base64.size();
  }
  if (needed > left_) return false;
  for (const StoredSample& sample : samples) places.push_back(add(sample));
  return true;
}

}  // namespace fewstep
