#include "store/log.h"

#include "core/fault_point.h"
#include "core/text.h"
#include "store/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <vector>

namespace fewstep {
namespace {

constexpr std::string_view kTag = "fewstep-log-";
constexpr std::size_t kIdDigits = 32, kNumberDigits = 10;
constexpr std::size_t kTagBytes = kTag.size() + kIdDigits + 1 + kNumberDigits;

struct Tag {
  std::string id;
  std::int64_t number = 0;
};

// "fewstep-log-" 32 digits "-" 10 digits.
std::optional<Tag> parse_tag(std::string_view text) {
  if (text.size() < kTagBytes || !text.starts_with(kTag)) return std::nullopt;
  Tag tag;
  tag.id = text.substr(kTag.size(), kIdDigits);
  const std::string_view digits = text.substr(kTag.size() + kIdDigits + 1, kNumberDigits);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), tag.number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return tag;
}

std::string text_of(const Tag& tag) { return fmt::format("{}{}-{:010}", kTag, tag.id, tag.number); }

struct Binding {
  std::optional<Tag> tag;  // none before schema 6
  bool awaits_log = false;
};

// Reads the .sqlite without its log; nothing where it is no store, whatever the reason.
std::optional<Binding> binding_of(const std::filesystem::path& store) {
  try {
    SQLite::Database database(uri_of(store, "immutable=1"), SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    if (database.execAndGet("SELECT version FROM schema_version").getInt() < 6) return Binding{};
    SQLite::Statement select(database, "SELECT tag, awaits_log FROM log_binding");
    if (!select.executeStep()) return std::nullopt;
    const auto tag = parse_tag(select.getColumn(0).getString());
    if (!tag) return std::nullopt;
    return Binding{tag, select.getColumn(1).getInt() != 0};
  } catch (const SQLite::Exception&) {
    return std::nullopt;
  }
}

std::uint32_t big_endian(const unsigned char* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

// Reads a log's frames as SQLite does at recovery: https://www.sqlite.org/fileformat2.html#walformat
class LogReader {
 public:
  explicit LogReader(const std::filesystem::path& file) : in_(file, std::ios::binary) {
    std::array<unsigned char, 32> header{};
    if (!read(header)) return;
    const std::uint32_t magic = big_endian(header.data());
    page_bytes_ = big_endian(header.data() + 8);
    const bool sane = (magic & ~1u) == 0x377f0682 && page_bytes_ >= 512 && page_bytes_ <= 65536;
    if (!sane) return;
    big_ = (magic & 1) != 0;
    std::copy_n(header.begin() + 16, salt_.size(), salt_.begin());
    add(std::span(header).first(24));
    is_good_ = matches(header.data() + 24);
    page_.resize(page_bytes_);
  }

  // The next valid frame's page and whether it ends a transaction; nothing at the end.
  std::optional<std::pair<std::string_view, bool>> next() {
    std::array<unsigned char, 24> header{};
    if (!is_good_ || !read(header) || !read(page_)) return std::nullopt;
    if (!std::equal(salt_.begin(), salt_.end(), header.begin() + 8)) return std::nullopt;
    add(std::span(header).first(8));
    add(page_);
    if (!matches(header.data() + 16)) return std::nullopt;
    return std::pair(std::string_view(reinterpret_cast<const char*>(page_.data()), page_.size()),
                     big_endian(header.data() + 4) != 0);
  }

 private:
  bool read(std::span<unsigned char> bytes) {
    return bool(in_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())));
  }
  void add(std::span<const unsigned char> bytes) {
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      first_ += word(&bytes[i]) + second_;
      second_ += word(&bytes[i + 4]) + first_;
    }
  }
  std::uint32_t word(const unsigned char* bytes) const {
    return big_ ? big_endian(bytes) : __builtin_bswap32(big_endian(bytes));
  }
  bool matches(const unsigned char* sums) const {
    return big_endian(sums) == first_ && big_endian(sums + 4) == second_;
  }

  std::ifstream in_;
  std::array<unsigned char, 8> salt_{};
  std::vector<unsigned char> page_;
  std::uint32_t page_bytes_ = 0, first_ = 0, second_ = 0;
  bool big_ = false, is_good_ = false;
};

struct LogContents {
  bool has_transactions = false;
  std::vector<Tag> tags;  // in the order of the log
};

LogContents contents_of(const std::filesystem::path& file) {
  LogContents contents;
  std::vector<Tag> open;
  LogReader reader(file);
  while (const auto frame = reader.next()) {
    const auto& [page, is_commit] = *frame;
    const auto place = page.find(kTag);
    if (const auto tag = parse_tag(page.substr(std::min(place, page.size())))) open.push_back(*tag);
    if (!is_commit) continue;
    contents.has_transactions = true;
    contents.tags.insert(contents.tags.end(), open.begin(), open.end());
    open.clear();
  }
  return contents;
}

// Whether a log continues the .sqlite: it is of this store, and the .sqlite is neither older than the log before it nor
// newer than its end. A store before schema 6 gets its tag in the log that upgrades it.
bool continues(const LogContents& log, const std::optional<Tag>& store) {
  if (!store) return log.tags.empty() || log.tags.front().number == 0;
  if (log.tags.empty()) return false;
  const Tag &first = log.tags.front(), &last = log.tags.back();
  return first.id == store->id && store->number >= first.number - 1 && store->number <= last.number;
}

}  // namespace

std::filesystem::path log_file(const std::filesystem::path& store) { return store.string() + "-wal"; }

std::uintmax_t log_bytes(const std::filesystem::path& store) {
  std::error_code failure;
  const auto bytes = std::filesystem::file_size(log_file(store), failure);
  return failure ? 0 : bytes;
}

void check_log(const std::filesystem::path& store) {
  if (is_locked(store)) return;  // a writer has just made the two of each other
  const auto binding = binding_of(store);
  if (!binding) return;
  const std::string log = log_file(store).string(), name = log_file(store).filename().string();
  if (log_bytes(store) == 0) {  // a reader makes an empty one
    if (!binding->awaits_log) return;
    throw input_error(store.string(),
                      "expected its log " + name +
                          " beside it, found none: the run was killed and its last results are in the log; copy " +
                          name + " too, or give up what was in it with `sqlite3 " + in_quotes(store.string()) +
                          " 'UPDATE log_binding SET awaits_log = 0'`");
  }
  const LogContents contents = contents_of(log);
  if (!contents.has_transactions || continues(contents, binding->tag)) return;
  throw input_error(
      store.string(),
      "expected its own log beside it, got " + log +
          (contents.tags.empty() ? " without a mark of this store" : " of another store or of another time") +
          "; close other programs that have the store open; where a killed run left the log "
          "there before this file was put in its place, move " +
          name + " away to read this file, or put back the store that the log is of");
}

LogWriter::LogWriter(const std::filesystem::path& store, SQLite::Database& database) : database_(database) {
  sqlite3_wal_hook(database_.getHandle(), &LogWriter::committed, this);
  guarded(store, [&] { renew(); });
}

LogWriter::~LogWriter() { sqlite3_wal_hook(database_.getHandle(), nullptr, nullptr); }

void LogWriter::renew() {
  renewing_ = true;
  struct Done {
    bool& flag;
    ~Done() { flag = false; }
  } const done{renewing_};
  sqlite3* handle = database_.getHandle();
  // The log keeps its bytes until the tag of the next one is over them, so that it is never empty in between.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  database_.exec("UPDATE log_binding SET awaits_log = 1");
  database_.setBusyTimeout(0);
  const int code = sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  database_.setBusyTimeout(kBusyTimeoutMs);
  if (code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED) throw SQLite::Exception(handle, code);
  fault_point("log emptied");
  write_tag();
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

void LogWriter::write_tag() {
  auto tag = parse_tag(database_.execAndGet("SELECT tag FROM log_binding").getString());
  if (!tag) throw SQLite::Exception("the tag of its log is damaged", SQLITE_CORRUPT);
  ++tag->number;
  SQLite::Statement update(database_, "UPDATE log_binding SET tag = ?, awaits_log = 0");
  bind_all(update, text_of(*tag));
  update.exec();
}

int LogWriter::committed(void* self, sqlite3*, const char*, int pages) noexcept {
  auto& log = *static_cast<LogWriter*>(self);
  const bool begun_again = pages <= log.pages_;  // SQLite did so at the end of what was read meanwhile
  log.pages_ = pages;
  if (log.renewing_) return SQLITE_OK;
  try {
    if (pages > log.renew_at_) {
      log.renew();
      log.renew_at_ = log.pages_ + kMostPages;
    } else if (begun_again) {
      log.write_tag();
    }
  } catch (const SQLite::Exception& error) {
    return error.getErrorCode();
  } catch (...) {
    return SQLITE_ERROR;
  }
  return SQLITE_OK;
}

}  // namespace fewstep
