#include "formats/tar_index.h"

#include "core/error.h"
#include "core/files.h"
#include "core/stand_ins.h"
#include "core/text.h"

#include <archive.h>
#include <archive_entry.h>

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <unordered_set>

namespace fewstep {
namespace {

constexpr std::uint64_t kBlock = 512;

struct CloseReader {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

class TarIndexer {
 public:
  explicit TarIndexer(const std::filesystem::path& tar) : tar_(tar), where_(tar.string()) {
    std::error_code failure;
    refuse_stand_in(tar);
    if (!std::filesystem::is_regular_file(tar, failure))
      throw input_error(where_, failure ? "cannot be read: " + failure.message() : "expected a .tar file");
    file_bytes_ = std::filesystem::file_size(tar, failure);
    if (failure) throw input_error(where_, "cannot be read: " + failure.message());
    archive_read_support_format_tar(reader_.get());
    // Files put one behind another by cat are read to the last; else their samples would be lost in silence.
    archive_read_set_options(reader_.get(), "read_concatenated_archives");
    if (archive_read_open_filename(reader_.get(), where_.c_str(), 1 << 16) != ARCHIVE_OK) throw broken();
  }

  std::vector<TarEntry> index() {
    archive_entry* entry = nullptr;
    int status;
    // A warning is about a name that this machine's locale cannot show; its bytes are there.
    while ((status = archive_read_next_header(reader_.get(), &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN) {
      if (auto file = file_of(entry)) entries_.push_back(*std::move(file));
    }
    if (status != ARCHIVE_EOF) throw broken();
    expect_end_mark();
    return std::move(entries_);
  }

 private:
  Error broken() const {
    const char* reason = archive_error_string(reader_.get());
    return input_error(where_,
                       std::string("expected a whole, uncompressed .tar, got a broken one or another format: ") +
                           (reason ? reason : "unknown trouble"));
  }

  std::string name_of(archive_entry* entry) const {
    const char* path = archive_entry_pathname(entry);
    if (!path) path = archive_entry_pathname_utf8(entry);
    if (!path) throw input_error(where_, "expected names that can be read, got one of other characters");
    std::string_view name = path;
    while (name.starts_with("./")) name.remove_prefix(2);
    return std::string(name);
  }

  std::optional<TarEntry> file_of(archive_entry* entry) {
    TarEntry file{name_of(entry), 0, 0};
    const std::string place = where_ + ", entry " + in_quotes(file.name);
    const bool folder = archive_entry_filetype(entry) == AE_IFDIR;
    if ((archive_entry_filetype(entry) != AE_IFREG && !folder) || archive_entry_hardlink(entry))
      throw input_error(place, "expected files alone, got a link or device");
    if (archive_entry_sparse_count(entry) > 0) throw input_error(place, "expected a plain file, got a sparse one");
    const la_int64_t offset = archive_filter_bytes(reader_.get(), 0), size = archive_entry_size(entry);
    if (offset < 0 || size < 0) throw input_error(place, "expected a size of 0 or more, got a broken header");
    file.offset = static_cast<std::uint64_t>(offset);
    file.size = static_cast<std::uint64_t>(size);
    if (file.offset > file_bytes_ || file.size > file_bytes_ - file.offset) {
      throw input_error(place, fmt::format("expected {} bytes from {} on, got an archive of {}; is it cut short?", size,
                                           offset, file_bytes_));
    }
    end_ = file.offset + (file.size + kBlock - 1) / kBlock * kBlock;
    if (folder) return std::nullopt;
    if (!names_.insert(file.name).second) throw input_error(place, "expected the entry once, got it twice");
    return file;
  }

  // An archive that was cut between two entries has none.
  void expect_end_mark() const {
    const bool whole = file_bytes_ >= kBlock && end_ <= file_bytes_ - kBlock &&
                       read_file_part(tar_, end_, kBlock).find_first_not_of('\0') == std::string::npos;
    if (!whole) throw input_error(where_, "expected a .tar to its end mark, got none; is it cut short?");
  }

  const std::filesystem::path& tar_;
  std::string where_;
  std::unique_ptr<archive, CloseReader> reader_{archive_read_new()};
  std::uint64_t file_bytes_ = 0, end_ = 0;
  std::vector<TarEntry> entries_;
  std::unordered_set<std::string> names_;
};

}  // namespace

std::vector<TarEntry> index_tar(const std::filesystem::path& tar) { return TarIndexer(tar).index(); }

}  // namespace fewstep
