#include "core/files.h"

#include "core/error.h"
#include "core/fault_point.h"
#include "core/stand_ins.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

namespace fewstep {
namespace {

constexpr std::string_view kTemporary = ".tmp-";

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(const void* data, std::size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
  std::string bytes() {
    std::string digest(32, '\0');
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return fd_; }
  int close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

void write_all(int fd, std::string_view bytes, const std::function<void(const char*)>& fail) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::string sha256(std::string_view bytes, HashText text) {
  Sha256 digest;
  digest.add(bytes.data(), bytes.size());
  return text == HashText::kBase64 ? base64(digest.bytes()) : hex(digest.bytes());
}

std::int64_t number_of(std::string_view name) {
  return static_cast<std::int64_t>(std::stoull(sha256(name).substr(0, 15), nullptr, 16));
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the zero that EVP_EncodeBlock writes
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string sha256_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw input_error(path.string(), std::string("cannot be read: ") + std::strerror(errno));
  Sha256 digest;
  std::vector<char> block(1 << 20);
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    digest.add(block.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) throw input_error(path.string(), "cannot be read to its end");
  return hex(digest.bytes());
}

std::string hash_of_files(std::span<const std::filesystem::path> files, const std::filesystem::path& folder) {
  std::string lines;
  for (const auto& file : files)  // std::filesystem::relative would follow the links of a download cache
    lines += sha256_file(file) + "  " + file.lexically_relative(folder).generic_string() + "\n";
  return sha256(lines);
}

std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  std::error_code failure;
  refuse_stand_in(path);
  if (std::filesystem::is_directory(path, failure)) throw input_error(path.string(), "expected a file, got a folder");
  const auto size = std::filesystem::file_size(path, failure);
  if (failure) throw input_error(path.string(), "cannot be read: " + failure.message());
  if (size > max_bytes) {
    throw input_error(path.string(), fmt::format("expected at most {} bytes, got {}", max_bytes, size));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size)))
    throw input_error(path.string(), "cannot be read to its end");
  return bytes;
}

std::string read_file_part(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t size) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw input_error(path.string(), std::string("cannot be read: ") + std::strerror(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    throw input_error(path.string(), std::string("cannot be read: ") + std::strerror(errno));
  // This is checked before memory is taken for bytes that are not there.
  const auto length = static_cast<std::uint64_t>(status.st_size);
  if (offset > length || size > length - offset) {
    throw input_error(path.string(),
                      fmt::format("expected {} bytes from {} on, got a file of {}", size, offset, length));
  }
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t got = ::pread(file.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(offset + at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw input_error(path.string(), std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) throw input_error(path.string(), "cannot be read to its end");
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

void make_folders(const std::filesystem::path& folder) {
  std::error_code failure;
  if (!folder.empty()) std::filesystem::create_directories(folder, failure);
  if (failure) throw environment_error(folder.string(), "cannot be made: " + failure.message());
}

void expect_place_for(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto folder = std::filesystem::absolute(file).lexically_normal().parent_path();
  if (std::filesystem::exists(folder, ignored) || std::filesystem::exists(folder.parent_path(), ignored)) return;
  throw usage_error(file.string(), "expected an existing folder, or one in an existing folder, got neither " +
                                       folder.string() + " nor " + folder.parent_path().string() + "; create it first");
}

bool is_temporary(const std::filesystem::path& file) {
  constexpr std::size_t kRandom = 6;
  const std::string name = file.filename().string();
  return name.size() > kTemporary.size() + kRandom &&
         std::string_view(name).substr(name.size() - kTemporary.size() - kRandom, kTemporary.size()) == kTemporary;
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  write_file_atomically(path, std::span(&bytes, 1));
}

void write_file_atomically(const std::filesystem::path& path, std::span<const std::string_view> parts) {
  write_file_atomically(path, [&](const AppendBytes& append) {
    for (const std::string_view part : parts) append(part);
  });
}

void write_file_atomically(const std::filesystem::path& path, const std::function<void(const AppendBytes&)>& produce) {
  std::string temporary = path.string() + std::string(kTemporary) + "XXXXXX";
  const auto fail = [&](const char* step) {
    throw environment_error(path.string(), std::string("cannot be written (") + step + "): " + std::strerror(errno));
  };
  Descriptor file(::mkstemp(temporary.data()));
  if (file.get() < 0) fail("create");
  try {
    produce([&](std::string_view bytes) { write_all(file.get(), bytes, fail); });
    fault_point("file written");
    if (::fchmod(file.get(), 0644) != 0) fail("chmod");
    if (::fsync(file.get()) != 0) fail("fsync");
    fault_point("file synced");
    if (file.close() != 0) fail("close");
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail("rename");
    fault_point("file renamed");
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  // The rename itself survives a power cut only once the folder is synced too.
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY));
  if (folder.get() >= 0) ::fsync(folder.get());
}

}  // namespace fewstep
