#pragma once
#include "core/error.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace fewstep {

// The write-ahead log NAME-wal of a store, in which its last transactions are. The table log_binding ties the two
// files together: it has a tag with the store's random id and the number of the log, and whether the .sqlite awaits a
// log. The first transaction of each log writes the tag, and with it the page that holds it, into the log.

std::filesystem::path log_file(const std::filesystem::path& store);
// 0 where there is none.
std::uintmax_t log_bytes(const std::filesystem::path& store);

// Call it before SQLite opens the store. Throws Error (kInput) for a log of another store, and for a store that awaits
// a log and has none. Reads bytes alone; stores of schema 5 and before, and what is no store, pass.
void check_log(const std::filesystem::path& store);

// Of a writer: writes the log into the .sqlite, which then is whole by itself, and begins the next one. SQLite's own
// checkpoints are off; a log of more than 4 MiB is renewed by the commit that makes it so.
class LogWriter {
 public:
  LogWriter(const std::filesystem::path& store, SQLite::Database& database);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // While another program reads, the log keeps its contents and grows. Throws SQLite::Exception.
  void renew();

 private:
  static int committed(void* self, sqlite3* handle, const char* name, int pages) noexcept;
  void write_tag();

  static constexpr int kMostPages = 1024;  // of 4 KiB each

  SQLite::Database& database_;
  int pages_ = 0;  // of the log, after the last commit
  int renew_at_ = kMostPages;
  bool renewing_ = false;
};

}  // namespace fewstep
