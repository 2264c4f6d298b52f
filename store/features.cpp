#include "core/files.h"
#include "formats/safetensors.h"
#include "store/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fewstep {
namespace {

constexpr const char* kTensor = "features";

std::string hash_of(std::span<const std::byte> bytes, std::int64_t rows, std::int64_t width) {
  std::string text = fmt::format("{} {}\n", rows, width);
  text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return sha256(text);
}

bool is_hash(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// A store may come from anywhere: its hash becomes a file name only when it is one.
std::filesystem::path file_of(const std::filesystem::path& database, const std::string& hash) {
  if (!is_hash(hash)) {
    throw input_error(database.string(),
                      "expected a SHA-256 of 64 hexadecimal digits for a feature block, got another text");
  }
  return features_folder(database) / (hash + ".safetensors");
}

std::string shape_text(std::int64_t rows, std::int64_t width) { return fmt::format("[{},{}]", rows, width); }

}  // namespace

std::filesystem::path features_folder(const std::filesystem::path& database) {
  std::filesystem::path folder = database;
  if (folder.extension() == ".sqlite") folder.replace_extension();
  return folder += ".features";
}

std::string write_features(const std::filesystem::path& database, std::span<const float> values, std::int64_t width) {
  const auto rows = static_cast<std::int64_t>(values.size()) / width;
  const auto bytes = std::as_bytes(values);
  const std::string hash = hash_of(bytes, rows, width);
  make_folders(features_folder(database));
  write_safetensors(file_of(database, hash), {{kTensor, TensorView{DType::kF32, {rows, width}, bytes}}});
  return hash;
}

bool has_features(const std::filesystem::path& database, const std::string& hash) {
  std::error_code ignored;
  return std::filesystem::exists(file_of(database, hash), ignored);
}

std::vector<float> read_features(const std::filesystem::path& database, const std::string& hash, std::int64_t rows,
                                 std::int64_t width, bool check_hash) {
  const auto path = file_of(database, hash);
  if (!has_features(database, hash)) {
    const std::string folder = features_folder(database).filename().string(), store = database.filename().string();
    throw input_error(path.string(),
                      fmt::format("expected the features of {} images, found no such file; copy the folder {} beside "
                                  "{}, or run the experiment of this store again, which makes them again",
                                  rows, folder, store));
  }
  const auto file = SafetensorsFile::open(path);
  const auto found = file.tensors().find(kTensor);
  if (found == file.tensors().end())
    throw input_error(path.string(), "expected the tensor \"features\", got a file without it");
  const TensorView& view = found->second;
  if (view.dtype != DType::kF32 || view.shape != std::vector<std::int64_t>{rows, width}) {
    throw input_error(path.string(),
                      fmt::format("expected F32 {} as {} says, got {} of {} bytes", shape_text(rows, width),
                                  database.string(), name_of(view.dtype), view.data.size()));
  }
  if (check_hash && hash_of(view.data, rows, width) != hash)
    throw input_error(path.string(), "expected the features whose hash is its name, got others; the file was changed");
  std::vector<float> values(view.data.size() / sizeof(float));
  std::memcpy(values.data(), view.data.data(), view.data.size());
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    throw input_error(path.string(), "expected finite features, got one that is not");
  return values;
}

}  // namespace fewstep
