#include "images/files.h"

#include "core/error.h"
#include "core/files.h"
#include "core/grouped.h"
#include "core/stand_ins.h"
#include "core/text.h"
#include "core/warnings.h"
#include "images/decoders.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>

namespace fewstep {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

constexpr int kMaxDepth = 64;  // of folders; a link may lead in a circle

// A format by how its files begin.
struct Format {
  std::string_view begins;
  std::size_t then_at;
  std::string_view then;
  Image (*decode)(const EncodedImage& file);
};
constexpr Format kFormats[] = {
    {"\x89PNG\r\n\x1a\n"sv, 0, "", decode_png},
    {"\xff\xd8"sv, 0, "", decode_jpeg},
    {"RIFF", 8, "WEBP", decode_webp},
    {"II*\0"sv, 0, "", decode_tiff},
    {"MM\0*"sv, 0, "", decode_tiff},
    {"II+\0"sv, 0, "", decode_tiff},
    {"MM\0+"sv, 0, "", decode_tiff},
    {"BM", 0, "", decode_bmp},
    {"GIF87a", 0, "", decode_gif},
    {"GIF89a", 0, "", decode_gif},
    {"P1", 0, "", decode_portable_map},
    {"P2", 0, "", decode_portable_map},
    {"P3", 0, "", decode_portable_map},
    {"P4", 0, "", decode_portable_map},
    {"P5", 0, "", decode_portable_map},
    {"P6", 0, "", decode_portable_map},
    {"\x93NUMPY"sv, 0, "", decode_npy},
};

// What else people have under the name of an image.
std::string_view other_kind(std::string_view bytes) {
  struct Other {
    std::size_t at;
    std::string_view begins, name;
  };
  constexpr Other kOthers[] = {
      {4, "ftypavif", "AVIF; convert it, for example: convert IN.avif OUT.png"},
      {4, "ftyphei", "HEIC; convert it, for example: convert IN.heic OUT.png"},
      {4, "ftypmif1", "HEIF; convert it, for example: convert IN.heif OUT.png"},
      {4, "jP  ", "JPEG 2000; convert it, for example: convert IN.jp2 OUT.png"},
      {0, "\xff\x0a", "JPEG XL; convert it, for example: djxl IN.jxl OUT.png"},
      {0, "8BPS", "a Photoshop file; save it as PNG"},
      {0, "%PDF", "a PDF"},
      {0, "<svg", "SVG; draw it as PNG first"},
      {0, "<?xml", "XML (SVG?); draw it as PNG first"},
      {0, "<", "a page of HTML, as a failed download leaves it"},
      {0, std::string_view("\0\x05\x16\x07", 4), "an AppleDouble file of macOS"},
  };
  if (bytes.empty()) return "an empty file";
  if (is_lfs_pointer(bytes)) return "a Git LFS pointer; fetch the file: git lfs pull";
  for (const Other& other : kOthers)
    if (bytes.size() > other.at && bytes.substr(other.at).starts_with(other.begins)) return other.name;
  return "other bytes";
}

bool is_one_of(std::span<const std::string_view> endings, std::string_view ending) {
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

// The images below a folder, and what else is there by kind.
class Search {
 public:
  explicit Search(const ImageRule& rule) : rule_(rule) {}

  void look(const fs::path& folder, int depth) {
    std::error_code failure;
    fs::directory_iterator entries(folder, failure);
    for (; !failure && entries != fs::directory_iterator(); entries.increment(failure)) take(*entries, depth);
    if (failure) throw input_error(folder.string(), "cannot be read: " + failure.message());
  }

  ImageList found() {
    std::sort(files_.begin(), files_.end(), [](const auto& a, const auto& b) { return a.native() < b.native(); });
    std::string passed_over;
    for (const auto& [kind, count] : others_)
      passed_over += fmt::format("{}{} {}", (passed_over.empty() ? "" : ", "), count, kind);
    return {std::move(files_), std::move(passed_over)};
  }

 private:
  void take(const fs::directory_entry& entry, int depth) {
    std::error_code ignored;
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) {
      ++others_["hidden"];
    } else if (entry.is_directory(ignored)) {
      if (depth + 1 < kMaxDepth) below(entry.path(), depth);
    } else if (const std::string ending = entry.path().extension().string();
               is_one_of(rule_.endings, rule_.any_case ? lower(ending) : ending)) {
      (depth > 0 && !rule_.deep) ? void(++others_["images in folders below"]) : files_.push_back(entry.path());
    } else if (depth == 0 || rule_.deep) {
      ++others_[ending.empty() ? "without an ending" : ending];
    }
  }
  // A folder below that cannot be read matters where its images count.
  void below(const fs::path& folder, int depth) {
    if (rule_.deep) return look(folder, depth + 1);
    if (depth > 0) return;
    try {
      look(folder, depth + 1);
    } catch (const Error&) {
      return;
    }
  }

  const ImageRule& rule_;
  std::vector<fs::path> files_;
  std::map<std::string, std::int64_t> others_;
};

}  // namespace

bool is_image_extension(std::string_view extension) { return is_one_of(kImageEndings, lower(extension)); }

ImageList list_images(const fs::path& folder, const ImageRule& rule) {
  std::error_code failure;
  if (!fs::is_directory(folder, failure))
    throw input_error(folder.string(),
                      failure ? "cannot be read: " + failure.message() : "expected a folder of images");
  Search search(rule);
  search.look(folder, 0);
  ImageList list = search.found();
  if (!list.files.empty()) return list;
  std::string endings;
  for (const std::string_view ending : rule.endings) endings += (endings.empty() ? "" : " ") + std::string(ending);
  throw input_error(folder.string(), "expected images (" + endings + "), got none" +
                                         (list.passed_over.empty() ? "" : "; passed over: " + list.passed_over));
}

std::string text_of(const ImageList& list, const fs::path& folder) {
  return grouped(static_cast<std::int64_t>(list.files.size())) + " images of " + folder.string() +
         (list.passed_over.empty() ? "" : "; passed over: " + list.passed_over);
}

Image read_image(const fs::path& path, std::int64_t max_pixels) {
  return decode_image(read_file(path, kMaxImageBytes), path.string(), max_pixels);
}

Image decode_image(const std::string& bytes, const std::string& where, std::int64_t max_pixels) {
  const std::string_view view = bytes;
  for (const Format& format : kFormats)
    if (view.starts_with(format.begins) && view.substr(std::min(view.size(), format.then_at)).starts_with(format.then))
      return format.decode({view, where, max_pixels});
  throw input_error(
      where, "expected a PNG, JPEG, WebP, TIFF, BMP, GIF or portable map (.ppm), got " + std::string(other_kind(view)));
}

Image make_image(const EncodedImage& file, std::int64_t width, std::int64_t height) {
  const std::string got = fmt::format(", got {}x{}", width, height);
  if (width < 1 || height < 1) throw input_error(file.where, "expected a width and height of at least 1" + got);
  if (width > file.max_pixels / height)
    throw input_error(file.where, fmt::format("expected at most {} pixels{}", file.max_pixels, got));
  return {static_cast<int>(height), static_cast<int>(width),
          std::vector<std::uint8_t>(static_cast<std::size_t>(width * height) * 3)};
}

Error broken_image(const EncodedImage& file, std::string_view format, std::string_view reason) {
  return input_error(file.where, "expected a whole " + std::string(format) + " image, got broken data" +
                                     (reason.empty() ? "" : ": " + std::string(reason)));
}

void tell_clipped(const EncodedImage& file) {
  warn(file.where, "grey of more than 8 bits: values above 255 are clipped, as Pillow's convert(\"RGB\") does");
}

void write_png(const fs::path& path, const Image& image) { write_file_atomically(path, encode_png(image)); }

}  // namespace fewstep
