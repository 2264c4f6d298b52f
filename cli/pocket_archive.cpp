#include "cli/pocket_archive.h"

#include "core/checkout.h"
#include "core/error.h"
#include "core/files.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>
#include <string>
#include <system_error>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

struct CloseReader {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, CloseReader>;

[[noreturn]] void broken(const Path& file, archive* reader) {
  const char* reason = archive_error_string(reader);
  throw input_error(file.string(), std::string("expected the pocket world as fewstep packs it: ") +
                                       (reason ? reason : "unknown trouble") + "; install fewstep again");
}

// Below the folder, whatever the archive says.
Path place_of(const Path& file, archive* reader, const Path& into, const char* name) {
  const Path relative = Path(name ? name : "").lexically_normal();
  if (relative.empty() || relative.is_absolute() || *relative.begin() == "..") broken(file, reader);
  return into / relative;
}

std::string bytes_of(const Path& file, archive* reader, archive_entry* entry) {
  std::string bytes(static_cast<std::size_t>(std::max<la_int64_t>(0, archive_entry_size(entry))), '\0');
  const auto read = archive_read_data(reader, bytes.data(), bytes.size());
  if (read != static_cast<la_ssize_t>(bytes.size())) broken(file, reader);
  return bytes;
}

void move_into_place(const Path& from, const Path& to) {
  std::error_code failure;
  make_folders(to.parent_path());
  std::filesystem::rename(from, to, failure);
  if (failure) throw environment_error(to.string(), "cannot be written: " + failure.message());
}

void unpack(const Path& file, const Path& into) {
  const Reader reader(archive_read_new());
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_xz(reader.get());
  if (archive_read_open_filename(reader.get(), file.c_str(), 1 << 16) != ARCHIVE_OK) broken(file, reader.get());
  archive_entry* entry = nullptr;
  int status;
  while ((status = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    const Path path = place_of(file, reader.get(), into, archive_entry_pathname(entry));
    make_folders(path.parent_path());
    if (const char* first = archive_entry_hardlink(entry)) {
      std::error_code no_links;  // as on some mounted file systems
      const Path target = place_of(file, reader.get(), into, first);
      std::filesystem::create_hard_link(target, path, no_links);
      if (no_links) write_file_atomically(path, read_file(target));
    } else {
      write_file_atomically(path, bytes_of(file, reader.get(), entry));
    }
  }
  if (status != ARCHIVE_EOF) broken(file, reader.get());
}

}  // namespace

Path pocket_archive() { return installed_folder() / "pocket.tar.xz"; }

void unpack_pocket(const Path& archive, const Path& into) {
  const Path world = into / "pocket", experiment = "experiments/pocket.toml", part = into / ".fewstep-pocket.part";
  if (std::filesystem::exists(world))
    throw input_error(world.string(), "expected no such folder, for the pocket world goes there, found one without " +
                                          experiment.string() + " beside it; go to another folder");
  std::error_code ignored;
  std::filesystem::remove_all(part, ignored);
  unpack(archive, part);
  move_into_place(part / "pocket", world);
  move_into_place(part / experiment, into / experiment);
  std::filesystem::remove_all(part, ignored);
}

}  // namespace fewstep
