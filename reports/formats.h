#pragma once
#include <array>
#include <filesystem>
#include <span>
#include <string_view>

namespace fewstep {

// A format of reports or verdicts: its name in --format, and the ending of its files.
struct Format {
  std::string_view name, ending;
};

// Of printers that have both: for the command line, which links no printer.
template <class Printer, std::size_t kCount>
constexpr std::array<Format, kCount> formats_of(const std::array<Printer, kCount>& printers) {
  std::array<Format, kCount> formats{};
  for (std::size_t i = 0; i < kCount; ++i) formats[i] = {printers[i].name, printers[i].ending};
  return formats;
}

// The format of an output file: that of its ending, or of a format's name as one (".markdown"). given: the value of
// --format, which a file without an ending takes; empty where there is none. Throws Error (kUsage) for an ending that
// is not known, and for one of another format.
std::string_view format_of_file(const std::filesystem::path& file, std::string_view given,
                                std::span<const Format> formats);

}  // namespace fewstep
