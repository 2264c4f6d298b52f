#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace fewstep {

// SHA-256, as 64 lower-case hexadecimal digits or in base64 (RFC 4648, with padding).
enum class HashText { kHex, kBase64 };
std::string sha256(std::string_view bytes, HashText text = HashText::kHex);
std::string base64(std::string_view bytes);
// The first 60 bits of the hash: a number that stands for a name in seeds.
std::int64_t number_of(std::string_view name);
std::string sha256_file(const std::filesystem::path& path);  // throws Error (kInput) when unreadable

// SHA-256 of the lines "HASH  NAME" that sha256sum prints for these files, in this order; names are relative to folder.
std::string hash_of_files(std::span<const std::filesystem::path> files, const std::filesystem::path& folder);

// The whole file as bytes; throws Error (kInput) when it is missing, unreadable or larger than max_bytes.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = 1ull << 30);
// size bytes from offset on; throws Error (kInput) when the file is missing, unreadable or ends before.
std::string read_file_part(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t size);

// Makes a folder and those above it. Throws Error (kEnvironment) naming it and the system's reason.
void make_folders(const std::filesystem::path& folder);
// For a new file in a folder that will be made: throws Error (kUsage) unless the folder or its parent exists, since a
// path with a typing error does not.
void expect_place_for(const std::filesystem::path& file);

// Writes through a temporary name in the same folder, fsyncs, renames: the file is there whole or not at all.
// Throws Error (kEnvironment) naming the path and the system's reason (disk full, read-only …).
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);
void write_file_atomically(const std::filesystem::path& path, std::span<const std::string_view> parts);
// The same for parts made one at a time: produce calls append for each.
using AppendBytes = std::function<void(std::string_view bytes)>;
void write_file_atomically(const std::filesystem::path& path, const std::function<void(const AppendBytes&)>& produce);
// Whether a file is what a writer left that was killed before the rename.
bool is_temporary(const std::filesystem::path& file);

}  // namespace fewstep
