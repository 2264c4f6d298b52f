#include "store/database.h"

#include "core/files.h"
#include "core/stand_ins.h"

#include <sys/resource.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <cmath>
#include <fstream>

namespace fewstep {
namespace {

constexpr int kMaxTextBytes = 64 << 20;

int first_integer(SQLite::Database& database, const char* query) {
  SQLite::Statement statement(database, query);
  return statement.executeStep() ? statement.getColumn(0).getInt() : 0;
}

SQLite::Database open_place(const Place& place) {
  SQLite::Database database(place.uri, SQLite::OPEN_READONLY | SQLite::OPEN_URI, kBusyTimeoutMs);
  first_integer(database, "SELECT count(*) FROM sqlite_schema");
  return database;
}

// What a writer that was stopped within its first transaction left, or one of another program: SQLite undoes that
// transaction before it reads, for which it must write.
bool has_journal(const std::filesystem::path& path) {
  std::error_code failure;
  const auto bytes = std::filesystem::file_size(path.string() + "-journal", failure);
  return !failure && bytes > 0;
}

// Where SQLite cannot write beside a store that is to be read: in a folder that cannot be written to, or has no locks,
// or with a journal. A store without log and journal is whole in its one file, and none writes to it; immutable means
// that SQLite looks for neither.
Place place_apart(const std::filesystem::path& path) {
  if (log_bytes(path) == 0 && !has_journal(path)) return {uri_of(path, "immutable=1"), {}};
  Place place{"", std::make_unique<ScratchFolder>()};
  const auto copy = place.copy->path() / "store.sqlite";
  for (const char* ending : {"", "-wal", "-journal"}) {
    const std::filesystem::path from = path.string() + ending, to = copy.string() + ending;
    if (!std::filesystem::exists(from)) continue;
    std::filesystem::copy_file(from, to);
    std::filesystem::permissions(to, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
  }
  if (has_journal(copy)) {
    SQLite::Database undone(copy.string(), SQLite::OPEN_READWRITE);
    undone.exec("SELECT count(*) FROM sqlite_schema");
  }
  place.uri = uri_of(copy, "mode=ro");
  return place;
}

SQLite::Database open_to_read(const std::filesystem::path& path, Place& place) {
  try {
    place.uri = uri_of(path, "mode=ro");
    return open_place(place);
  } catch (const SQLite::Exception& error) {
    const int code = error.getErrorCode() & 0xff;
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const bool lacks_locks = (code == SQLITE_BUSY || code == SQLITE_IOERR) && !has_locks(path);
    if (lacks_locks && log_bytes(path) > 0) check_locks(path);
    const bool read_only = (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) &&
                           ::access(folder.c_str(), W_OK) != 0 && ::access(path.c_str(), R_OK) == 0;
    if (!lacks_locks && !read_only && !(code == SQLITE_READONLY && has_journal(path))) throw;
  }
  try {
    place = place_apart(path);
  } catch (const std::filesystem::filesystem_error& error) {
    throw environment_error(path.string(), std::string("a copy of it and its log, where SQLite may write, failed: ") +
                                               error.code().message());
  }
  return open_place(place);
}

void harden(SQLite::Database& database) {
  // The file may hold triggers or views that we did not write; none of ours does.
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  database.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON");
}

void check_version(SQLite::Database& database, const std::filesystem::path& path) {
  const std::string where = path.string();
  if (first_integer(database, "SELECT count(*) FROM sqlite_schema") == 0)
    throw input_error(where, "expected a fewstep store, got an empty file; `fewstep run` makes one");
  if (const int id = first_integer(database, "PRAGMA application_id"); id != kApplicationId) {
    throw input_error(
        where,
        fmt::format("expected a fewstep store, got a SQLite database of another program (application id {})", id));
  }
  SQLite::Statement statement(database, "SELECT version FROM schema_version");
  if (!statement.executeStep()) throw input_error(where, "expected a schema version, got none; the store is damaged");
  const std::int64_t version = integer_at(path, statement, 0);
  if (version >= 1 && version <= kSchemaVersion) return;
  const std::string expected = fmt::format("expected a store of schema version {}, got {}", kSchemaVersion, version);
  throw input_error(where, expected + (version > kSchemaVersion ? "; use a newer fewstep" : "; use an older fewstep"));
}

void check_file(const std::filesystem::path& path, Store::Mode mode) {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (std::filesystem::is_directory(status))
    throw input_error(path.string(), "expected a fewstep store (a file), got a folder");
  if (std::filesystem::exists(status)) {
    if (!std::filesystem::is_regular_file(status))
      throw input_error(path.string(), "expected a fewstep store, got something that is no regular file");
    return;
  }
  if (mode == Store::Mode::kRead)
    throw input_error(path.string(), "expected a fewstep store, found no such file; `fewstep run` makes one");
  expect_place_for(path);
  make_folders(path.parent_path());
}

// SQLite itself finds a missing end only where it reads it. A log beside the file may hold pages that the file lacks.
void check_length(SQLite::Database& database, const std::filesystem::path& path) {
  std::error_code failure;
  if (log_bytes(path) > 0) return;
  const auto expected = static_cast<std::uintmax_t>(database.execAndGet("PRAGMA page_count").getInt64()) *
                        static_cast<std::uintmax_t>(database.execAndGet("PRAGMA page_size").getInt64());
  const auto found = std::filesystem::file_size(path, failure);
  if (!failure && found < expected)
    throw input_error(path.string(),
                      fmt::format("expected {} bytes, got {}; the store is cut short: copy it again", expected, found));
}

// What a killed writer left: only the holder of the writer's lock may call this.
void remove_temporaries(const std::filesystem::path& database) {
  std::error_code ignored;
  for (const char* extension : {".features", ".images", ".references"}) {
    const auto folder = std::filesystem::path(database).replace_extension(extension);
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
      if (is_temporary(entry.path())) std::filesystem::remove(entry.path(), ignored);
  }
}

bool has_file_size_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

}  // namespace

std::string uri_of(const std::filesystem::path& path, const std::string& options) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '/' || c == '.' || c == '-' || c == '_') {
      uri += c;
    } else {
      uri += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return uri + "?" + options;
}

bool is_empty_database(const std::filesystem::path& path) {
  try {
    Place place;
    SQLite::Database database = open_to_read(path, place);
    return first_integer(database, "SELECT count(*) FROM sqlite_schema") == 0;
  } catch (const SQLite::Exception&) {
    return false;  // whoever opens it says what it is
  }
}

Error store_error(const std::filesystem::path& path, const SQLite::Exception& error) {
  const std::string where = path.string(), text = error.what();
  switch (error.getErrorCode() & 0xff) {
    case SQLITE_NOTADB:
      return input_error(where, "expected a fewstep store, got a file that is no SQLite database");
    case SQLITE_CORRUPT:
      return input_error(where, "the store is damaged or truncated (" + text +
                                    "); restore a copy, or save what is readable with `sqlite3 FILE .recover`");
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
      return input_error(where, "expected the tables of a fewstep store, got others (" + text + ")");
    case SQLITE_CONSTRAINT:
      return input_error(where, "refused a row that contradicts what is stored (" + text + "); nothing was changed");
    case SQLITE_TOOBIG:
      return input_error(where, "refused a value that is too large (" + text + ")");
    case SQLITE_FULL:
      return environment_error(
          where, "the disk is full (" + text + "); free space and run the same command again: nothing stored is lost");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: {
      const std::string shared = shared_file_system(path);
      return environment_error(where, "the store is locked by another program (" + text +
                                          "); close it and run the same command again" +
                                          (shared.empty() ? ""
                                                          : ". It is on " + shared +
                                                                ", where locks may fail: put it on a local disk "
                                                                "with --store"));
    }
    case SQLITE_READONLY:
      return environment_error(where, "the store is read-only (" + text + ")");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return environment_error(where, "the store cannot be opened (" + text + "); check permissions");
    case SQLITE_IOERR:
      return environment_error(where, "reading or writing failed (" + text + ": " +
                                          sqlite3_errstr(error.getExtendedErrorCode()) + "); nothing stored is lost; " +
                                          (has_file_size_limit() ? "the process has a limit on the size of files "
                                                                   "(ulimit -f): raise it, or check the disk"
                                                                 : "check the disk"));
    default:
      return environment_error(where, "SQLite failed: " + text);
  }
}

SQLite::Database open_database(const std::filesystem::path& path, Store::Mode mode, std::optional<WriterLock>& lock,
                               Place& place) {
  check_file(path, mode);
  refuse_stand_in(path);
  check_log(path);
  if (mode == Store::Mode::kWrite) check_locks(path);
  return guarded(path, [&] {
    if (mode == Store::Mode::kRead) {
      auto database = open_to_read(path, place);
      harden(database);
      check_version(database, path);
      check_length(database, path);
      return database;
    }
    place.uri = uri_of(path, "mode=rwc");
    SQLite::Database database(place.uri, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_URI,
                              kBusyTimeoutMs);
    harden(database);
    if (sqlite3_db_readonly(database.getHandle(), "main") == 1)
      throw environment_error(path.string(), "expected to write, but the file is read-only");
    // A foreign database is refused before its journal mode is touched.
    if (first_integer(database, "SELECT count(*) FROM sqlite_schema") != 0) check_version(database, path);
    check_length(database, path);
    lock.emplace(path);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(database, kMigrations);
    check_version(database, path);
    remove_temporaries(path);
    return database;
  });
}

int stored_version(SQLite::Database& database) { return first_integer(database, "SELECT version FROM schema_version"); }

std::int64_t integer_at(const std::filesystem::path& path, SQLite::Statement& row, int column) {
  const auto value = row.getColumn(column);
  if (!value.isInteger())
    throw input_error(path.string(), "expected an integer in column " + std::string(value.getName()) +
                                         ", got another type; the store is damaged");
  return value.getInt64();
}

int small_integer_at(const std::filesystem::path& path, SQLite::Statement& row, int column) {
  const std::int64_t value = integer_at(path, row, column);
  if (value < 0 || value > 1'000'000'000)
    throw input_error(path.string(), fmt::format("expected a count or size, got {}; the store is damaged", value));
  return static_cast<int>(value);
}

double real_at(const std::filesystem::path& path, SQLite::Statement& row, int column) {
  const auto value = row.getColumn(column);
  const double number = value.getDouble();
  if ((!value.isFloat() && !value.isInteger()) || !std::isfinite(number))
    throw input_error(path.string(), "expected a finite number in column " + std::string(value.getName()) +
                                         ", got something else; the store is damaged");
  return number;
}

std::string text_at(const std::filesystem::path& path, SQLite::Statement& row, int column) {
  const auto value = row.getColumn(column);
  if (!value.isText() || value.getBytes() > kMaxTextBytes)
    throw input_error(path.string(), "expected text in column " + std::string(value.getName()) +
                                         ", got another type or size; the store is damaged");
  return value.getString();
}

Score score_at(const std::filesystem::path& path, SQLite::Statement& row) {
  Score score;
  if (!row.isColumnNull("value")) score.value = real_at(path, row, "value");
  if (!row.isColumnNull("standard_error")) score.standard_error = real_at(path, row, "standard_error");
  score.count = integer_at(path, row, "images");
  const auto flags = nlohmann::json::parse(text_at(path, row, "flags"), nullptr, false);
  if (!flags.is_array()) return score;
  for (const auto& flag : flags)
    if (flag.is_string()) score.flags.emplace_back(std::string_view(flag.get_ref<const std::string&>()));
  return score;
}

}  // namespace fewstep
