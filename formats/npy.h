#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// One array of NumPy's .npy format (versions 1–3), little-endian, of 4- or 8-byte floats, 8-byte integers or unicode.
// Source: numpy/lib/format.py.
struct NpyHeader {
  std::string descr;  // "<f8" "<f4" "<i8" "<U64"
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
  std::size_t header_bytes = 0;  // where the data begin
  std::size_t item_bytes = 0;
  std::size_t data_bytes = 0;
};

inline constexpr std::size_t kMaxNpyHeaderBytes = 4096;

// Reads the first bytes of an array; where names file and entry. Throws Error (kInput) for a torn header, another dtype
// (pickled objects among them) and a shape of more than max_items.
NpyHeader read_npy_header(std::string_view bytes, std::int64_t max_items, const std::string& where);

// The values behind a header of floats, in C order; a matrix stored in Fortran order is transposed. bytes: the whole
// array. Throws Error (kInput) for unicode or integers.
std::vector<double> npy_doubles(const NpyHeader& header, std::string_view bytes, const std::string& where);
// A single integer or text. Throws Error (kInput) for anything else.
std::int64_t npy_integer(const NpyHeader& header, std::string_view bytes, const std::string& where);
std::string npy_text(const NpyHeader& header, std::string_view bytes, const std::string& where);

// Headers as NumPy writes them, padded to a multiple of 64 bytes.
std::string npy_header(std::string_view descr, const std::vector<std::int64_t>& shape);
std::string npy_of(std::int64_t value);
std::string npy_of(std::string_view ascii);

}  // namespace fewstep
