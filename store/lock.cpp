#include "store/database.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace fewstep {
namespace {

// What statfs(2) calls file systems that other machines share, which is where locks are missing or lost.
constexpr std::array<std::pair<std::uint32_t, std::string_view>, 12> kShared{{{0x6969, "NFS"},
                                                                              {0x517b, "SMB"},
                                                                              {0xff534d42, "CIFS"},
                                                                              {0xfe534d42, "SMB2"},
                                                                              {0x0bd00bd0, "Lustre"},
                                                                              {0x00c36400, "Ceph"},
                                                                              {0x47504653, "GPFS"},
                                                                              {0x5346414f, "AFS"},
                                                                              {0x19830326, "BeeGFS"},
                                                                              {0x7461636f, "OCFS2"},
                                                                              {0x01021997, "9P"},
                                                                              {0x65735546, "FUSE"}}};

// Tries both kinds of lock that a store needs, SQLite's and ours, on a new file beside it. The reason where there are
// none, else 0; a folder that cannot be written to is not tried.
int reason_for_no_locks(const std::filesystem::path& database) {
  std::string name = database.string() + ".tmp-XXXXXX";
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return 0;
  ::unlink(name.c_str());
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_len = 1;
  int reason = ::fcntl(fd, F_SETLK, &range) == 0 ? 0 : errno;
  if (reason == 0 && ::flock(fd, LOCK_EX | LOCK_NB) != 0) reason = errno;
  ::close(fd);
  return reason == EAGAIN || reason == EACCES || reason == EINTR ? 0 : reason;
}

std::string holder_of(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size() - 1, 0);
  const std::string_view digits(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const auto end = digits.find_first_not_of("0123456789");
  return end == 0 || digits.empty() ? "another process" : "process " + std::string(digits.substr(0, end));
}

int lock(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno; }

}  // namespace

std::string shared_file_system(const std::filesystem::path& file) {
  struct statfs found {};
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  if (::statfs(folder.c_str(), &found) != 0) return "";
  for (const auto& [magic, name] : kShared)
    if (static_cast<std::uint32_t>(found.f_type) == magic) return std::string(name);
  return "";
}

bool has_locks(const std::filesystem::path& database) { return reason_for_no_locks(database) == 0; }

void check_locks(const std::filesystem::path& database) {
  const int reason = reason_for_no_locks(database);
  if (reason == 0) return;
  const std::string name = shared_file_system(database);
  throw environment_error(database.string(),
                          "expected a file system with locks, got " +
                              (name.empty() ? "one without" : name + " without them") + " (" + std::strerror(reason) +
                              "); put the store on a local disk: --store /tmp/" + database.filename().string());
}

bool has_writer(const Store::Impl& store) { return store.lock || is_locked(store.path); }

bool is_locked(const std::filesystem::path& database) {
  const int fd = ::open((database.string() + "-lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool held = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return held;
}

WriterLock::WriterLock(const std::filesystem::path& database) {
  const std::string file = database.string() + "-lock";
  fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    throw environment_error(database.string(), "expected to write beside the store, but " + file +
                                                   " cannot be opened: " + std::strerror(errno));
  }
  int reason = lock(fd_);
  // A reader that looks whether there is a writer holds the lock for a moment.
  for (int attempt = 0; reason == EWOULDBLOCK && attempt < 5; ++attempt) {
    ::usleep(20'000);
    reason = lock(fd_);
  }
  if (reason != 0) {
    const std::string holder = holder_of(fd_);
    ::close(fd_);
    if (reason != EWOULDBLOCK)
      throw environment_error(database.string(), std::string("cannot be locked: ") + std::strerror(reason));
    throw environment_error(database.string(), "expected to be the one writer, but " + holder +
                                                   " is writing to this store (" + file +
                                                   "); wait for it, stop it, or use another --store");
  }
  const std::string id = fmt::format("{}\n", ::getpid());
  // Only for the message above: without it the lock still holds.
  if (::ftruncate(fd_, 0) == 0 && ::pwrite(fd_, id.data(), id.size(), 0) < 0) return;
}

WriterLock::~WriterLock() { ::close(fd_); }

}  // namespace fewstep
