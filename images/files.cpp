#include "images/files.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "images/header.h"

#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <system_error>

namespace fewstep {
namespace {

constexpr std::array<std::string_view, 7> kExtensions = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"};
constexpr int kPngCompression = 3;

// OpenCV's rows are BGR; empty where it cannot decode.
cv::Mat decode(const std::string& bytes) {
  // One message is enough, and it is ours.
  [[maybe_unused]] static const auto before = cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8U, const_cast<char*>(bytes.data()));
  try {
    return cv::imdecode(buffer, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
  } catch (const cv::Exception&) {
    return {};
  }
}

}  // namespace

bool is_image_extension(std::string_view extension) {
  return std::find(kExtensions.begin(), kExtensions.end(), lower(extension)) != kExtensions.end();
}

std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder) {
  std::error_code failure;
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::is_directory(folder, failure))
    throw input_error(folder.string(),
                      failure ? "cannot be read: " + failure.message() : "expected a folder of images");
  std::filesystem::directory_iterator entries(folder, failure);
  for (; !failure && entries != std::filesystem::directory_iterator(); entries.increment(failure))
    if (is_image_extension(entries->path().extension().string()) && !std::filesystem::is_directory(entries->status()))
      files.push_back(entries->path());
  if (failure) throw input_error(folder.string(), "cannot be read: " + failure.message());
  if (files.empty())
    throw input_error(folder.string(), "expected images (.png .jpg .jpeg .bmp .webp .tif .tiff), got none");
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.native() < b.native(); });
  return files;
}

Image read_image(const std::filesystem::path& path, std::int64_t max_pixels) {
  return decode_image(read_file(path, kMaxImageBytes), path.string(), max_pixels);
}

Image decode_image(const std::string& bytes, const std::string& where, std::int64_t max_pixels) {
  const ImageHeader header = read_image_header(bytes, where);
  if (header.width > max_pixels / header.height) {
    throw input_error(where, "expected at most " + std::to_string(max_pixels) + " pixels, got " +
                                 std::to_string(header.width) + "x" + std::to_string(header.height));
  }
  const cv::Mat decoded = decode(bytes);
  if (decoded.empty() || decoded.type() != CV_8UC3 || decoded.cols != header.width || decoded.rows != header.height)
    throw input_error(where, "expected a whole " + std::string(header.format) + " image, got broken data");
  Image image{decoded.rows, decoded.cols, std::vector<std::uint8_t>(decoded.total() * 3)};
  cv::Mat rgb(decoded.rows, decoded.cols, CV_8UC3, image.rgb.data());
  cv::cvtColor(decoded, rgb, cv::COLOR_BGR2RGB);
  return image;
}

std::string encode_png(const Image& image) {
  if (image.height < 1 || image.width < 1 || image.rgb.size() != std::size_t{3} * image.height * image.width)
    throw input_error("encode_png", "expected an image of height x width x 3 bytes");
  const cv::Mat rgb(image.height, image.width, CV_8UC3, const_cast<std::uint8_t*>(image.rgb.data()));
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  std::vector<std::uint8_t> png;
  if (!cv::imencode(".png", bgr, png, {cv::IMWRITE_PNG_COMPRESSION, kPngCompression}))
    throw environment_error("encode_png", "the PNG encoder failed");
  return {png.begin(), png.end()};
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_file_atomically(path, encode_png(image));
}

}  // namespace fewstep
