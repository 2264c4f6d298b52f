#include "store/database.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace fewstep {
namespace {

std::string holder_of(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size() - 1, 0);
  const std::string_view digits(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const auto end = digits.find_first_not_of("0123456789");
  return end == 0 || digits.empty() ? "another process" : "process " + std::string(digits.substr(0, end));
}

int lock(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno; }

}  // namespace

bool has_writer(const Store::Impl& store) {
  if (store.lock) return true;
  const int fd = ::open((store.path.string() + "-lock").c_str(), O_RDONLY | O_CLOEXEC);
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
  const std::string id = std::to_string(::getpid()) + "\n";
  // Only for the message above: without it the lock still holds.
  if (::ftruncate(fd_, 0) == 0 && ::pwrite(fd_, id.data(), id.size(), 0) < 0) return;
}

WriterLock::~WriterLock() { ::close(fd_); }

}  // namespace fewstep
