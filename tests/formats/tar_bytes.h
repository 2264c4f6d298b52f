#pragma once
#include <archive.h>
#include <archive_entry.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace fewstep {

struct TarFile {
  std::string name, content = {};
  std::string link = {};  // a symbolic link to it
  bool sparse = false;    // its middle third is a hole (pax alone)
};

// A .tar of these files, in this order, as libarchive writes it ("ustar", "pax", "gnutar").
inline std::string tar_bytes(const std::vector<TarFile>& files, const char* format = "ustar") {
  archive* writer = archive_write_new();
  archive_write_set_format_by_name(writer, format);
  std::string bytes;
  archive_write_open2(
      writer, &bytes, nullptr,
      [](archive*, void* to, const void* from, std::size_t size) {
        static_cast<std::string*>(to)->append(static_cast<const char*>(from), size);
        return static_cast<la_ssize_t>(size);
      },
      nullptr, nullptr);
  for (const TarFile& file : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, file.name.c_str());
    const bool folder = file.name.ends_with('/');
    archive_entry_set_filetype(entry, folder ? AE_IFDIR : file.link.empty() ? AE_IFREG : AE_IFLNK);
    if (!file.link.empty()) archive_entry_set_symlink(entry, file.link.c_str());
    archive_entry_set_perm(entry, folder ? 0755 : 0644);
    const auto size = static_cast<la_int64_t>(file.content.size());
    archive_entry_set_size(entry, size);
    if (file.sparse) {
      archive_entry_sparse_add_entry(entry, 0, size / 3);
      archive_entry_sparse_add_entry(entry, size / 3 * 2, size / 3);
    }
    if (archive_write_header(writer, entry) < ARCHIVE_WARN) throw std::runtime_error(archive_error_string(writer));
    archive_write_data(writer, file.content.data(), file.content.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  return bytes;
}

// Puts text over the header at offset and makes its checksum right again (POSIX.1-1988).
inline std::string with_header(std::string tar, std::size_t header, std::size_t at, const std::string& text) {
  tar.replace(header + at, text.size(), text);
  tar.replace(header + 148, 8, "        ");
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[header + i]);
  char digits[8];
  std::snprintf(digits, sizeof(digits), "%06o", sum);
  tar.replace(header + 148, 8, std::string(digits, 7) + " ");
  return tar;
}

}  // namespace fewstep
