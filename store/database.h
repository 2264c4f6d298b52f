#pragma once
#include "core/error.h"
#include "core/scratch_folder.h"
#include "store/log.h"
#include "store/migrations.h"
#include "store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace fewstep {

// What is behind Store, shared by the files of store/ alone.

constexpr int kApplicationId = 0x66777374;  // "fwst"

// Held by the one writer for as long as its store is open: an flock on NAME-lock, which the system drops with the
// process. The lock is not on the database itself, since closing any descriptor of that would drop SQLite's own locks.
class WriterLock {
 public:
  // Throws Error (kEnvironment) naming the process that holds it.
  explicit WriterLock(const std::filesystem::path& database);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;

 private:
  int fd_ = -1;
};

// Throws Error (kEnvironment) where the file system of a store has no locks, as NFS without its lock service.
void check_locks(const std::filesystem::path& database);
bool has_locks(const std::filesystem::path& database);
// "NFS", "Lustre" …; empty for a file system of this machine.
std::string shared_file_system(const std::filesystem::path& file);

struct CellLabel {
  std::string checkpoint_name;
  bool given_as_guidance_scale = false;
};

// Whether a process, this one included, holds the lock.
bool is_locked(const std::filesystem::path& database);
bool has_writer(const Store::Impl& store);

constexpr int kBusyTimeoutMs = 10'000;

// A file's name as SQLite takes it with SQLITE_OPEN_URI; options: "mode=ro", "immutable=1".
std::string uri_of(const std::filesystem::path& path, const std::string& options);

// How SQLite reaches a store, and the copy of it that was needed for that, if one was.
struct Place {
  std::string uri;
  std::unique_ptr<ScratchFolder> copy;
};

// Opens and checks. A writer takes the lock before it touches anything, and creates the tables where it finds none.
SQLite::Database open_database(const std::filesystem::path& path, Store::Mode mode, std::optional<WriterLock>& lock,
                               Place& place);

int stored_version(SQLite::Database& database);

// Whether a file is a database without a table.
bool is_empty_database(const std::filesystem::path& path);

struct Store::Impl {
  Impl(const std::filesystem::path& file, Mode mode)
      : path(file), database(open_database(file, mode, lock, place)), version(stored_version(database)) {
    if (mode == Mode::kWrite) log.emplace(file, database);
  }

  std::filesystem::path path;
  std::optional<WriterLock> lock;
  Place place;
  SQLite::Database database;
  std::optional<LogWriter> log;
  int version;                               // of the schema: a reader takes older ones as they are
  std::map<std::int64_t, CellLabel> labels;  // of each series, as add_series named it last
};

// SQLite's error as ours: kInput for a damaged or foreign file, kEnvironment for a full disk, a lock, an I/O error.
Error store_error(const std::filesystem::path& path, const SQLite::Exception& error);

template <typename Action>
auto guarded(const std::filesystem::path& path, Action&& action) {
  try {
    return action();
  } catch (const SQLite::Exception& error) {
    throw store_error(path, error);
  }
}

template <typename Value>
void bind_one(SQLite::Statement& statement, int index, const Value& value) {
  if constexpr (requires { value.has_value(); }) {
    if (value) statement.bind(index, *value);  // else NULL
  } else if constexpr (std::is_convertible_v<Value, std::string_view>) {
    statement.bind(index, std::string(value));
  } else {
    statement.bind(index, value);
  }
}
// Gives a statement all of its values, in the order of its question marks.
template <typename... Values>
void bind_all(SQLite::Statement& statement, const Values&... values) {
  statement.reset();
  statement.clearBindings();
  int index = 0;
  (bind_one(statement, ++index, values), ...);
}

// Columns of a file that may have been written by anybody. Throw Error (kInput) for another type, a non-finite number,
// text that is longer than any of ours.
std::int64_t integer_at(const std::filesystem::path& path, SQLite::Statement& row, int column);
// 0…10⁹: counts, sizes, indices.
int small_integer_at(const std::filesystem::path& path, SQLite::Statement& row, int column);
double real_at(const std::filesystem::path& path, SQLite::Statement& row, int column);
std::string text_at(const std::filesystem::path& path, SQLite::Statement& row, int column);

// The same by a column's name, for rows that are few.
inline std::int64_t integer_at(const std::filesystem::path& path, SQLite::Statement& row, const char* column) {
  return integer_at(path, row, row.getColumnIndex(column));
}
inline int small_integer_at(const std::filesystem::path& path, SQLite::Statement& row, const char* column) {
  return small_integer_at(path, row, row.getColumnIndex(column));
}
inline double real_at(const std::filesystem::path& path, SQLite::Statement& row, const char* column) {
  return real_at(path, row, row.getColumnIndex(column));
}
inline std::string text_at(const std::filesystem::path& path, SQLite::Statement& row, const char* column) {
  return text_at(path, row, row.getColumnIndex(column));
}

// A score from the columns value, standard_error (NULL: not a number), images and flags.
Score score_at(const std::filesystem::path& path, SQLite::Statement& row);

// NAME.features of NAME.sqlite, beside the database.
std::filesystem::path features_folder(const std::filesystem::path& database);
// Writes values [rows,width] under the hash of their content, whole or not at all, and returns the hash.
std::string write_features(const std::filesystem::path& database, std::span<const float> values, std::int64_t width);
// Whether the file of these values is there. Where it is not, their images count as not measured.
bool has_features(const std::filesystem::path& database, const std::string& hash);
// Reads and checks size and finite values; check_hash: the content too. Throws Error (kInput).
std::vector<float> read_features(const std::filesystem::path& database, const std::string& hash, std::int64_t rows,
                                 std::int64_t width, bool check_hash = false);

// Notes that the run is alive, in the transaction of what it stores.
void note_write(Store::Impl& store, std::int64_t run_id);

}  // namespace fewstep
