#include "metrics/statistics_file.h"

#include "core/error.h"
#include "core/files.h"
#include "core/stand_ins.h"
#include "formats/npy.h"

#include <archive.h>
#include <archive_entry.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <system_error>

namespace fewstep {
namespace {

constexpr std::int64_t kMaxWidth = 8192;
constexpr std::int64_t kMaxNumbers = kMaxWidth * kMaxWidth;
constexpr int kMaxEntries = 64;
constexpr double kAsymmetry = 1e-4;  // of the largest number; sums of 50,000 products in float32 are off by 1e-5
constexpr std::array<std::string_view, 5> kKnown = {"mu", "sigma", "protocol", "count", "network"};

struct CloseReader {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
struct CloseWriter {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

struct Array {
  NpyHeader header;
  std::string bytes;
  std::string where;
};

std::string message_of(archive* handle) {
  const char* message = archive_error_string(handle);
  return message ? message : "unknown trouble";
}

Error torn(const std::string& where, archive* reader) {
  return input_error(where, "expected a whole .npz archive (zip), got a broken one: " + message_of(reader));
}

// Reads until size bytes are there or the entry ends.
void read_to(std::string& bytes, std::size_t size, archive* reader, const std::string& where) {
  std::size_t at = bytes.size();
  bytes.resize(size);
  while (at < size) {
    const la_ssize_t got = archive_read_data(reader, bytes.data() + at, size - at);
    if (got < 0) throw torn(where, reader);
    if (got == 0) break;
    at += static_cast<std::size_t>(got);
  }
  bytes.resize(at);
}

// The header decides how much is read: an entry may inflate to anything.
Array read_array(archive* reader, const std::string& where) {
  Array array{{}, {}, where};
  read_to(array.bytes, kMaxNpyHeaderBytes, reader, where);
  array.header = read_npy_header(array.bytes, kMaxNumbers, where);
  const std::size_t size = array.header.header_bytes + array.header.data_bytes;
  read_to(array.bytes, std::max(size + 1, array.bytes.size()), reader, where);
  if (array.bytes.size() != size) {
    throw input_error(where, fmt::format("expected {} bytes as its header says, got {}", size,
                                         (array.bytes.size() > size ? "more" : std::to_string(array.bytes.size()))));
  }
  return array;
}

struct Archive {
  std::map<std::string, Array> arrays;  // those of kKnown
  std::set<std::string> names;          // all of them
  std::set<std::string> pickled;        // those of Python objects
};

void read_entry(Archive& contents, archive* reader, archive_entry* entry, const std::string& file) {
  const char* path = archive_entry_pathname(entry);
  std::string name = path ? path : "";
  const std::string where = file + ": " + name;
  if (archive_entry_filetype(entry) != AE_IFREG)
    throw input_error(where, "expected arrays alone, got a folder or link");
  if (name.ends_with(".npy")) name.resize(name.size() - 4);
  if (!contents.names.insert(name).second) throw input_error(where, "expected the entry once, got it twice");
  if (contents.names.size() > kMaxEntries)
    throw input_error(file, fmt::format("expected at most {} entries, got more", kMaxEntries));
  for (const std::string_view known : kKnown) {
    if (name == known) {
      contents.arrays.emplace(name, read_array(reader, where));
      return;
    }
  }
  std::string start;
  read_to(start, kMaxNpyHeaderBytes, reader, where);
  if (start.find("'descr': '|O'") != std::string::npos) contents.pickled.insert(name);
}

Archive read_archive(const std::filesystem::path& npz) {
  const std::string file = npz.string();
  std::error_code failure;
  refuse_stand_in(npz);
  if (!std::filesystem::is_regular_file(npz, failure))
    throw input_error(file, failure ? "cannot be read: " + failure.message() : "expected an .npz file");
  const std::unique_ptr<archive, CloseReader> reader(archive_read_new());
  // The archive is read by its directory at the end: a truncated one has none.
  archive_read_support_format_zip_seekable(reader.get());
  if (archive_read_open_filename(reader.get(), file.c_str(), 1 << 16) != ARCHIVE_OK) throw torn(file, reader.get());
  Archive contents;
  archive_entry* entry = nullptr;
  int status;
  while ((status = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK)
    read_entry(contents, reader.get(), entry, file);
  if (status != ARCHIVE_EOF) throw torn(file, reader.get());
  return contents;
}

// What else such an archive is, or how it becomes statistics.
std::string advice(const Archive& contents, const std::string& file) {
  constexpr std::array<std::pair<const char*, const char*>, 7> kOtherNames{{{"mean", "cov"},
                                                                            {"mean", "covariance"},
                                                                            {"mean", "sigma"},
                                                                            {"m", "s"},
                                                                            {"mu1", "sigma1"},
                                                                            {"mu", "cov"},
                                                                            {"mu_real", "sigma_real"}}};
  for (const auto& [mean, covariance] : kOtherNames) {
    if (contents.names.contains(mean) && contents.names.contains(covariance))
      return fmt::format(
          "; if these are mean and covariance, rename them:\n  python3 -c \"import numpy as np; a = np.load('{}'); "
          "np.savez('renamed.npz', mu=a['{}'], sigma=a['{}'])\"",
          file, mean, covariance);
  }
  const auto pickle = std::ranges::find_if(contents.names, [](const auto& name) { return name.ends_with("data.pkl"); });
  if (pickle != contents.names.end()) {
    return fmt::format(
        "; it is a pickle of PyTorch, as torch-fidelity keeps, which is not read:\n  python3 -c \"import torch, numpy "
        "as np; a = torch.load('{}', weights_only=False); np.savez('statistics.npz', mu=a['mu'], sigma=a['sigma'])\"",
        file);
  }
  if (contents.names.contains("feats")) return "; these are features for KID, not statistics";
  if (contents.pickled.contains("arr_0"))
    return "; arr_0 is a pickled object, which is not read: save its arrays, np.savez(FILE, mu=…, sigma=…)";
  if (contents.names.contains("arr_0")) return "; these are images, make statistics of them with fewstep stats";
  return "";
}

const Array& expect(const Archive& contents, const std::string& name, const std::string& file) {
  const auto found = contents.arrays.find(name);
  if (found != contents.arrays.end()) return found->second;
  std::string names;
  for (const std::string& other : contents.names) names += (names.empty() ? "" : ", ") + other;
  throw input_error(file,
                    "expected arrays mu and sigma, got " + (names.empty() ? "none" : names) + advice(contents, file));
}

void check(const Gaussian& gaussian, const std::string& file) {
  if (!gaussian.mean.allFinite()) throw input_error(file, "expected finite numbers in mu, got NaN or infinity");
  if (!gaussian.covariance.allFinite())
    throw input_error(file, "expected finite numbers in sigma, got NaN or infinity");
  const double bound = kAsymmetry * gaussian.covariance.cwiseAbs().maxCoeff();
  if ((gaussian.covariance - gaussian.covariance.transpose()).cwiseAbs().maxCoeff() > bound)
    throw input_error(file, "expected a symmetric sigma, got an asymmetric one");
  if (gaussian.covariance.diagonal().minCoeff() < -bound)
    throw input_error(file, "expected variances of 0 or more on sigma's diagonal, got a negative one");
}

Gaussian to_gaussian(const Archive& contents, const std::string& file) {
  const Array& mu = expect(contents, "mu", file);
  const Array& sigma = expect(contents, "sigma", file);
  const auto& shape = mu.header.shape;
  if (shape.size() != 1 || shape[0] < 1 || shape[0] > kMaxWidth) {
    throw input_error(mu.where,
                      fmt::format("expected one dimension of 1 to {} features, got {} dimensions or another length",
                                  kMaxWidth, shape.size()));
  }
  if (sigma.header.shape != std::vector<std::int64_t>{shape[0], shape[0]}) {
    std::string got;
    for (const std::int64_t size : sigma.header.shape) got += fmt::format("{}{}", (got.empty() ? "" : " x "), size);
    throw input_error(sigma.where, fmt::format("expected {} x {} numbers to fit mu, got {}", shape[0], shape[0],
                                               (got.empty() ? "one" : got)));
  }
  Gaussian gaussian;
  const std::vector<double> mean = npy_doubles(mu.header, mu.bytes, mu.where);
  gaussian.mean = Eigen::Map<const Eigen::VectorXd>(mean.data(), shape[0]);
  const std::vector<double> covariance = npy_doubles(sigma.header, sigma.bytes, sigma.where);
  gaussian.covariance = Eigen::Map<const Eigen::MatrixXd>(covariance.data(), shape[0], shape[0]);
  check(gaussian, file);
  gaussian.covariance = ((gaussian.covariance + gaussian.covariance.transpose()) / 2).eval();
  return gaussian;
}

std::string text_of(const Archive& contents, const char* name) {
  const auto found = contents.arrays.find(name);
  if (found == contents.arrays.end()) return "";
  return npy_text(found->second.header, found->second.bytes, found->second.where);
}

std::int64_t count_of(const Archive& contents) {
  const auto found = contents.arrays.find("count");
  if (found == contents.arrays.end()) return 0;
  const auto& [header, bytes, where] = found->second;
  const std::int64_t count = npy_integer(header, bytes, where);
  if (count < 2) throw input_error(where, fmt::format("expected at least 2 images, got {}", count));
  return count;
}

// Appends what libarchive writes to a std::string.
la_ssize_t append_to_string(archive*, void* string, const void* bytes, std::size_t size) {
  try {
    static_cast<std::string*>(string)->append(static_cast<const char*>(bytes), size);
  } catch (...) {  // must not pass through C
    return -1;
  }
  return static_cast<la_ssize_t>(size);
}

class NpzWriter {
 public:
  NpzWriter() : writer_(archive_write_new()) {
    archive_write_set_format_zip(writer_.get());
    archive_write_zip_set_compression_store(writer_.get());  // random digits do not compress
    archive_write_set_bytes_per_block(writer_.get(), 0);
    require(archive_write_open2(writer_.get(), &bytes_, nullptr, append_to_string, nullptr, nullptr));
  }

  void add(const std::string& name, std::string_view header, std::string_view data = {}) {
    constexpr std::time_t kSomeDay = 1'000'000'000;  // the same bytes at any time
    const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), (name + ".npy").c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_mtime(entry.get(), kSomeDay, 0);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(header.size() + data.size()));
    require(archive_write_header(writer_.get(), entry.get()));
    for (const std::string_view part : {header, data}) {
      if (archive_write_data(writer_.get(), part.data(), part.size()) != static_cast<la_ssize_t>(part.size()))
        require(ARCHIVE_FATAL);
    }
  }

  std::string finish() {
    require(archive_write_close(writer_.get()));
    return std::move(bytes_);
  }

 private:
  void require(int status) const {
    if (status != ARCHIVE_OK) throw environment_error("npz", "cannot be made: " + message_of(writer_.get()));
  }
  std::string bytes_;
  std::unique_ptr<archive, CloseWriter> writer_;
};

std::string_view bytes_of(const double* values, Eigen::Index count) {
  return {reinterpret_cast<const char*>(values), sizeof(double) * static_cast<std::size_t>(count)};
}

}  // namespace

StatisticsFile read_statistics(const std::filesystem::path& npz) {
  const Archive contents = read_archive(npz);
  StatisticsFile statistics{to_gaussian(contents, npz.string()), text_of(contents, "protocol"),
                            text_of(contents, "network")};
  statistics.gaussian.count = count_of(contents);
  return statistics;
}

void write_statistics(const std::filesystem::path& npz, const StatisticsFile& statistics) {
  const auto& [count, mean, covariance] = statistics.gaussian;
  const Eigen::Index width = mean.size();
  if (width < 1 || width > kMaxWidth || covariance.rows() != width || covariance.cols() != width)
    throw input_error(npz.string(), "expected a mean of D and a covariance of D x D");
  check(statistics.gaussian, npz.string());
  NpzWriter writer;
  writer.add("mu", npy_header("<f8", {width}), bytes_of(mean.data(), mean.size()));
  writer.add("sigma", npy_header("<f8", {width, width}), bytes_of(covariance.data(), covariance.size()));
  if (!statistics.protocol.empty()) writer.add("protocol", npy_of(statistics.protocol));
  if (count > 0) writer.add("count", npy_of(count));
  if (!statistics.network.empty()) writer.add("network", npy_of(statistics.network));
  write_file_atomically(npz, writer.finish());
}

}  // namespace fewstep
