#include "formats/npy.h"

#include "core/error.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>

namespace fewstep {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are read and written as they are in memory");

constexpr std::string_view kMagic = "\x93NUMPY";

template <typename T>
T load(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

// The header is a Python literal: {'descr': '<f8', 'fortran_order': False, 'shape': (2048, 2048), }
class Literal {
 public:
  Literal(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  NpyHeader read() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !descr) {
        if (peek() != '\'' && peek() != '"') fail("a plain dtype, not a structured one");
        header.descr = quoted();
        descr = true;
      } else if (key == "fortran_order" && !order) {
        header.fortran_order = boolean();
        order = true;
      } else if (key == "shape" && !shape) {
        header.shape = tuple();
        shape = true;
      } else {
        fail("the keys descr, fortran_order and shape, each once");
      }
      if (!accept(',') && peek() != '}') fail("a comma or }");
    }
    if (peek() != '\0' || !descr || !order || !shape) fail("the keys descr, fortran_order and shape, each once");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    throw input_error(
        where_, fmt::format("expected a NumPy header with {}, got something else at byte {} of it", expected, at_));
  }
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string(1, c));
  }
  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("a quoted text");
    const auto end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a closing quote");
    const std::string text(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return text;
  }
  bool boolean() {
    for (const std::string_view word : {"True", "False"}) {
      if (peek() == word[0] && text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return word == "True";
      }
    }
    fail("True or False");
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      peek();
      std::int64_t size = -1;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) fail("sizes of 0 or more");
      sizes.push_back(size);
      at_ = static_cast<std::size_t>(end - text_.data());
      if (!accept(',') && peek() != ')') fail("a comma or )");
    }
    return sizes;
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
};

// Bytes of one item, or nothing for a dtype that is not supported.
std::optional<std::size_t> item_bytes(std::string_view descr) {
  if (descr == "<f8" || descr == "<i8") return 8;
  if (descr == "<f4") return 4;
  if (!descr.starts_with("<U") || descr.size() > 6) return {};
  std::size_t characters = 0;
  const auto [end, error] = std::from_chars(descr.data() + 2, descr.data() + descr.size(), characters);
  if (error != std::errc() || end != descr.data() + descr.size()) return {};
  return 4 * characters;
}

std::size_t items(const std::vector<std::int64_t>& shape, std::int64_t max_items, const std::string& where) {
  std::int64_t count = 1;
  bool too_many = shape.size() > 8;
  for (const std::int64_t size : shape) too_many = too_many || size > max_items;
  if (!too_many) {
    for (const std::int64_t size : shape) {
      if (size > 0 && count > max_items / size) too_many = true;
      count = too_many ? 0 : count * size;
    }
  }
  if (too_many) throw input_error(where, fmt::format("expected at most {} numbers, got more", max_items));
  return static_cast<std::size_t>(count);
}

void expect_scalar(const NpyHeader& header, bool right_type, const char* what, const std::string& where) {
  const bool scalar = header.shape.empty() || (header.shape.size() == 1 && header.shape[0] == 1);
  if (!right_type || !scalar)
    throw input_error(where, std::string("expected ") + what + ", got an array of dtype " + header.descr);
}

}  // namespace

NpyHeader read_npy_header(std::string_view bytes, std::int64_t max_items, const std::string& where) {
  if (bytes.size() < 10 || !bytes.starts_with(kMagic))
    throw input_error(where, "expected a NumPy array, got other bytes or too few of them");
  const int version = static_cast<unsigned char>(bytes[6]);
  if (version < 1 || version > 3)
    throw input_error(where, fmt::format("expected NumPy's format 1 to 3, got {}", version));
  const std::size_t start = version == 1 ? 10 : 12;
  if (bytes.size() < start) throw input_error(where, "expected a whole NumPy header, got a torn one");
  const std::size_t length = version == 1 ? load<std::uint16_t>(bytes, 8) : load<std::uint32_t>(bytes, 8);
  if (length > kMaxNpyHeaderBytes - start || length > bytes.size() - start)
    throw input_error(where, "expected a whole NumPy header of a few hundred bytes, got a torn or oversized one");
  NpyHeader header = Literal(bytes.substr(start, length), where).read();
  const auto size = item_bytes(header.descr);
  if (!size) {
    throw input_error(
        where, "expected little-endian floats, integers or text (<f8 <f4 <i8 <U), got dtype \"" + header.descr + "\"" +
                   (header.descr.find('O') != std::string::npos ? "; pickled objects are never read" : ""));
  }
  header.header_bytes = start + length;
  header.item_bytes = *size;
  header.data_bytes = *size * items(header.shape, max_items, where);
  return header;
}

std::vector<double> npy_doubles(const NpyHeader& header, std::string_view bytes, const std::string& where) {
  const bool wide = header.descr == "<f8";
  if (!wide && header.descr != "<f4") throw input_error(where, "expected floats, got dtype " + header.descr);
  if (bytes.size() != header.header_bytes + header.data_bytes) {
    throw input_error(where,
                      fmt::format("expected {} bytes, got {}", header.header_bytes + header.data_bytes, bytes.size()));
  }
  std::vector<double> values(header.data_bytes / header.item_bytes);
  const bool transpose = header.fortran_order && header.shape.size() == 2;
  const auto columns = transpose ? static_cast<std::size_t>(header.shape[1]) : 1;
  const auto rows = transpose ? static_cast<std::size_t>(header.shape[0]) : values.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t at = header.header_bytes + header.item_bytes * i;
    const double value = wide ? load<double>(bytes, at) : load<float>(bytes, at);
    values[transpose ? (i % rows) * columns + i / rows : i] = value;
  }
  return values;
}

std::int64_t npy_integer(const NpyHeader& header, std::string_view bytes, const std::string& where) {
  expect_scalar(header, header.descr == "<i8", "an integer", where);
  return load<std::int64_t>(bytes, header.header_bytes);
}

std::string npy_text(const NpyHeader& header, std::string_view bytes, const std::string& where) {
  expect_scalar(header, header.descr.starts_with("<U"), "a text", where);
  std::string text;
  for (std::size_t i = 0; i < header.item_bytes; i += 4) {
    const auto character = load<std::uint32_t>(bytes, header.header_bytes + i);
    if (character == 0) break;  // padding
    if (character < 0x20 || character > 0x7e)
      throw input_error(where, fmt::format("expected printable ASCII, got character {}", character));
    text.push_back(static_cast<char>(character));
  }
  return text;
}

std::string npy_header(std::string_view descr, const std::vector<std::int64_t>& shape) {
  std::string sizes;
  for (const std::int64_t size : shape) sizes += fmt::format("{}{}", size, (shape.size() == 1 ? "," : ", "));
  if (shape.size() > 1) sizes.resize(sizes.size() - 2);
  std::string literal = "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  const std::size_t unpadded = kMagic.size() + 4 + literal.size() + 1;
  literal.append((64 - unpadded % 64) % 64, ' ');
  literal += '\n';
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(literal.size() & 0xff), static_cast<char>(literal.size() >> 8)};
  return header + literal;
}

std::string npy_of(std::int64_t value) {
  std::string array = npy_header("<i8", {});
  array.append(reinterpret_cast<const char*>(&value), sizeof(value));
  return array;
}

std::string npy_of(std::string_view ascii) {
  std::string array = npy_header(fmt::format("<U{}", ascii.size()), {});
  for (const char c : ascii) array += {c, '\0', '\0', '\0'};
  return array;
}

}  // namespace fewstep
