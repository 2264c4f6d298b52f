#include "store/cell_digest.h"

#include "core/files.h"
#include "store/database.h"
#include "store/prompt_hash.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <set>

namespace fewstep {
namespace {

constexpr int kSameLevels = 2;
// If more than half of the prompts have one image, so many anchors miss it with a chance below 2^-64.
constexpr std::size_t kAnchors = 64;

struct CellImage {
  std::int64_t id = 0, row = 0, index = 0, tripped = 0;
  std::string hash, fingerprint, text;
  std::optional<std::int64_t> latents;
  bool looked_at = false;
};

std::vector<CellImage> read_images(Store::Impl& store, std::int64_t series_id,
                                   std::span<const std::int64_t> prompt_rows, int images_per_prompt) {
  const std::set<std::int64_t> wanted(prompt_rows.begin(), prompt_rows.end());
  SQLite::Statement select(store.database,
                           "SELECT sample.id, prompt.row, image_index, image_sha256, fingerprint, latents, tripped, "
                           "prompt.text FROM sample JOIN prompt ON prompt.id = prompt_id "
                           "WHERE series_id = ? AND image_index < ?");
  bind_all(select, series_id, images_per_prompt);
  std::vector<CellImage> images;
  while (select.executeStep()) {
    CellImage image{integer_at(store.path, select, 0),
                    integer_at(store.path, select, 1),
                    integer_at(store.path, select, 2),
                    0,
                    text_at(store.path, select, 3),
                    "",
                    "",
                    {},
                    false};
    if (!wanted.contains(image.row)) continue;
    if (const auto bytes = select.getColumn(4); bytes.isBlob())
      image.fingerprint.assign(static_cast<const char*>(bytes.getBlob()), static_cast<std::size_t>(bytes.getBytes()));
    if (!select.getColumn(5).isNull()) image.latents = integer_at(store.path, select, 5);
    image.looked_at = !select.getColumn(6).isNull();
    if (image.looked_at) image.tripped = integer_at(store.path, select, 6);
    image.text = text_at(store.path, select, 7);
    images.push_back(std::move(image));
  }
  std::sort(images.begin(), images.end(), [](const CellImage& a, const CellImage& b) {
    return std::pair(a.row, a.index) < std::pair(b.row, b.index);
  });
  return images;
}

bool nearly_same(const std::string& a, const std::string& b) {
  if (a.empty() || a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::abs(static_cast<unsigned char>(a[i]) - static_cast<unsigned char>(b[i])) > kSameLevels) return false;
  return true;
}

// What images trip when all of the cell are seen together.
std::vector<std::int64_t> trips_of(const std::vector<CellImage>& images) {
  std::vector<std::int64_t> tripped;
  std::map<std::string_view, std::set<std::string_view>> texts;  // by image
  std::set<std::int64_t> prompts;
  for (const CellImage& image : images) {
    tripped.push_back(image.tripped & ~static_cast<std::int64_t>(kSame));
    texts[image.hash].insert(image.text);
    prompts.insert(image.row);
  }
  for (std::size_t i = 0; i < images.size(); ++i)
    if (texts.at(images[i].hash).size() > 1) tripped[i] |= kSame;
  for (std::size_t anchor = 0; anchor < std::min(kAnchors, images.size()); ++anchor) {
    std::vector<std::size_t> near;
    std::set<std::int64_t> rows;
    for (std::size_t i = 0; i < images.size(); ++i) {
      if (!nearly_same(images[anchor].fingerprint, images[i].fingerprint)) continue;
      near.push_back(i);
      rows.insert(images[i].row);
    }
    if (rows.size() < 2 || 2 * rows.size() <= prompts.size()) continue;
    for (const std::size_t i : near) tripped[i] |= kSame;
    break;
  }
  return tripped;
}

std::string counts_of(const std::vector<CellImage>& images, const std::vector<std::int64_t>& tripped) {
  if (!std::all_of(images.begin(), images.end(), [](const CellImage& image) { return image.looked_at; })) return "";
  auto counts = nlohmann::json::object();
  for (std::size_t wire = 0; wire < kTripwires.size(); ++wire) {
    const auto count = std::count_if(tripped.begin(), tripped.end(), [&](auto bits) { return bits >> wire & 1; });
    if (count > 0) counts[std::string(kTripwires[wire].name)] = count;
  }
  return counts.dump();
}

std::string hash_of_latents(const std::vector<CellImage>& images) {
  std::string bytes;
  for (const CellImage& image : images) {
    if (!image.latents) return "";
    for (int byte = 0; byte < 8; ++byte)
      bytes += static_cast<char>(std::bit_cast<std::uint64_t>(*image.latents) >> 8 * byte);
  }
  return sha256(bytes);
}

}  // namespace

void digest_cell(Store& store, std::int64_t run_id, int position, std::int64_t series_id,
                 std::span<const std::int64_t> prompt_rows, int images_per_prompt) {
  auto& impl = store.impl();
  guarded(impl.path, [&] {
    const auto images = read_images(impl, series_id, prompt_rows, images_per_prompt);
    const auto tripped = trips_of(images);
    PromptHash prompts;
    std::string hashes;
    for (const CellImage& image : images) {
      if (image.index == 0) prompts.add(image.row, image.text);
      hashes += image.hash + "\n";
    }
    SQLite::Transaction transaction(impl.database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement mark_sample(impl.database, "UPDATE sample SET tripped = ? WHERE id = ?");
    for (std::size_t i = 0; i < images.size(); ++i) {
      if (!images[i].looked_at || tripped[i] == images[i].tripped) continue;
      bind_all(mark_sample, tripped[i], images[i].id);
      mark_sample.exec();
    }
    SQLite::Statement update(impl.database,
                             "UPDATE run_cell SET prompts_sha256 = ?, images_sha256 = ?, latents_sha256 = ?, "
                             "tripped = ? WHERE run_id = ? AND position = ?");
    bind_all(update, prompts.text(), sha256(hashes), hash_of_latents(images), counts_of(images, tripped), run_id,
             position);
    update.exec();
    transaction.commit();
  });
}

}  // namespace fewstep
