// LD_PRELOAD: the n-th call that writes below FAULTS_FOLDER fails. FAULTS_KIND: enospc (this one and all later ones, as
// a full disk), eio (this one), short (writes half of this one), none (only counts). FAULTS_COUNT: a file for the
// number of calls. Writes are write, pwrite, fsync, fdatasync, ftruncate, rename and the making of a file.
// FAULTS_KIND=nolock: each lock fails, with ENOLCK, as on NFS without its lock service, or the error that FAULTS_AT
// says.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>

namespace {

enum class Fault { kNone, kEnospc, kEio, kShort, kNoLock };

struct Plan {
  std::string folder;
  Fault fault = Fault::kNone;
  long at = 0;
};

const Plan& plan() {
  static const Plan read = [] {
    const auto text = [](const char* name) { return std::string(getenv(name) ? getenv(name) : ""); };
    Plan given;
    given.folder = text("FAULTS_FOLDER");
    const std::string kind = text("FAULTS_KIND");
    given.fault = kind == "enospc"   ? Fault::kEnospc
                  : kind == "eio"    ? Fault::kEio
                  : kind == "short"  ? Fault::kShort
                  : kind == "nolock" ? Fault::kNoLock
                                     : Fault::kNone;
    given.at = atol(text("FAULTS_AT").c_str());
    return given;
  }();
  return read;
}

std::atomic<long> calls{0};

struct Report {
  ~Report() {
    const char* file = getenv("FAULTS_COUNT");
    if (!file) return;
    if (FILE* out = fopen(file, "w")) {
      fprintf(out, "%ld\n", calls.load());
      fclose(out);
    }
  }
} report;

bool is_below(const char* path) {
  return !plan().folder.empty() && strncmp(path, plan().folder.c_str(), plan().folder.size()) == 0;
}

bool is_below(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = 0;
  return is_below(path);
}

// What this call has to do, of those that count.
Fault next() {
  const long number = ++calls;
  if (plan().at <= 0 || number < plan().at) return Fault::kNone;
  if (number > plan().at && plan().fault != Fault::kEnospc) return Fault::kNone;
  return plan().fault;
}

// Whether a call that cannot be cut short fails.
bool fails() {
  switch (next()) {
    case Fault::kEnospc:
      errno = ENOSPC;
      return true;
    case Fault::kEio:
      errno = EIO;
      return true;
    default:
      return false;
  }
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool has_no_locks(int descriptor) {
  if (plan().fault != Fault::kNoLock || !is_below(descriptor)) return false;
  errno = plan().at > 0 ? static_cast<int>(plan().at) : ENOLCK;
  return true;
}

// Runs write(bytes) unless the plan says otherwise.
template <class Write>
ssize_t written(int descriptor, size_t bytes, Write write) {
  if (!is_below(descriptor)) return write(bytes);
  switch (next()) {
    case Fault::kEnospc:
      errno = ENOSPC;
      return -1;
    case Fault::kEio:
      errno = EIO;
      return -1;
    case Fault::kShort:
      return write(bytes > 1 ? bytes / 2 : bytes);
    case Fault::kNoLock:
    case Fault::kNone:
      break;
  }
  return write(bytes);
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, size_t bytes) {
  static const auto next_write = real<ssize_t(int, const void*, size_t)>("write");
  return written(descriptor, bytes, [&](size_t count) { return next_write(descriptor, data, count); });
}
ssize_t pwrite(int descriptor, const void* data, size_t bytes, off_t at) {
  static const auto next_write = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return written(descriptor, bytes, [&](size_t count) { return next_write(descriptor, data, count, at); });
}
ssize_t pwrite64(int descriptor, const void* data, size_t bytes, off64_t at) {
  static const auto next_write = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return written(descriptor, bytes, [&](size_t count) { return next_write(descriptor, data, count, at); });
}
int fsync(int descriptor) {
  static const auto next_sync = real<int(int)>("fsync");
  return is_below(descriptor) && fails() ? -1 : next_sync(descriptor);
}
int fdatasync(int descriptor) {
  static const auto next_sync = real<int(int)>("fdatasync");
  return is_below(descriptor) && fails() ? -1 : next_sync(descriptor);
}
int ftruncate(int descriptor, off_t length) {
  static const auto next_truncate = real<int(int, off_t)>("ftruncate");
  return is_below(descriptor) && fails() ? -1 : next_truncate(descriptor, length);
}
int ftruncate64(int descriptor, off64_t length) {
  static const auto next_truncate = real<int(int, off64_t)>("ftruncate64");
  return is_below(descriptor) && fails() ? -1 : next_truncate(descriptor, length);
}
int rename(const char* from, const char* to) {
  static const auto next_rename = real<int(const char*, const char*)>("rename");
  return is_below(to) && fails() ? -1 : next_rename(from, to);
}
int flock(int descriptor, int operation) {
  static const auto next_lock = real<int(int, int)>("flock");
  return has_no_locks(descriptor) ? -1 : next_lock(descriptor, operation);
}
int fcntl(int descriptor, int command, ...) {
  static const auto next_control = real<int(int, int, ...)>("fcntl");
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  const bool locks = command == F_SETLK || command == F_SETLKW;
  return locks && has_no_locks(descriptor) ? -1 : next_control(descriptor, command, argument);
}
int fcntl64(int descriptor, int command, ...) {
  static const auto next_control = real<int(int, int, ...)>("fcntl64");
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  const bool locks = command == F_SETLK || command == F_SETLKW;
  return locks && has_no_locks(descriptor) ? -1 : next_control(descriptor, command, argument);
}
int mkstemp(char* name) {
  static const auto next_make = real<int(char*)>("mkstemp");
  return is_below(name) && fails() ? -1 : next_make(name);
}
int mkstemp64(char* name) {
  static const auto next_make = real<int(char*)>("mkstemp64");
  return is_below(name) && fails() ? -1 : next_make(name);
}

}  // extern "C"
