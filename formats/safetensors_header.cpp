#include "formats/safetensors_header.h"

#include "core/error.h"
#include "core/text.h"
#include "formats/json.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <utility>

namespace fewstep {
namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<DTypeRow, 12> kDTypes{{
    {DType::kF64, "F64", 8},
    {DType::kF32, "F32", 4},
    {DType::kF16, "F16", 2},
    {DType::kBF16, "BF16", 2},
    {DType::kF8E4M3, "F8_E4M3", 1},
    {DType::kF8E5M2, "F8_E5M2", 1},
    {DType::kI64, "I64", 8},
    {DType::kI32, "I32", 4},
    {DType::kI16, "I16", 2},
    {DType::kI8, "I8", 1},
    {DType::kU8, "U8", 1},
    {DType::kBool, "BOOL", 1},
}};
constexpr std::size_t kMaxDimensions = 64;

const DTypeRow& row_of(DType dtype) {
  return *std::find_if(kDTypes.begin(), kDTypes.end(), [&](const DTypeRow& row) { return row.dtype == dtype; });
}

std::string supported_dtypes() {
  std::string names;
  for (const auto& row : kDTypes) names += (names.empty() ? "" : " ") + std::string(row.name);
  return names;
}

// Reads the header event by event: a tree of a 100 MB header would take gigabytes.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& where) : where_(where) {}
  SafetensorsHeader header;

  bool start_object(std::size_t) override {
    if (depth_ == 1 && !in_array_) {
      tensor_ = {};
      fields_.clear();
      ++depth_;
      return true;
    }
    if (depth_ != 0) fail("an object");
    ++depth_;
    return true;
  }
  bool key(std::string& name) override {
    if (depth_ == 1) {
      in_metadata_ = name == "__metadata__";
      const bool fresh = in_metadata_ ? !std::exchange(seen_metadata_, true) : !header.entries.contains(name);
      if (!fresh) throw input_error(where_, "expected every key once, got " + in_quotes(name) + " twice in the header");
      name_ = name;
    } else if (in_metadata_) {
      if (header.metadata.contains(name)) {
        throw input_error(where_, "expected every key once, got " + in_quotes(name) + " twice in __metadata__");
      }
    } else {
      if (name != "dtype" && name != "shape" && name != "data_offsets") {
        throw input_error(place(), "expected the keys dtype, shape and data_offsets, got " + in_quotes(name));
      }
      if (!fields_.insert(name).second)
        throw input_error(place(), "expected every key once, got " + in_quotes(name) + " twice");
    }
    field_ = name;
    return true;
  }
  bool end_object() override {
    --depth_;
    if (depth_ == 1 && !in_metadata_) {
      for (const char* required : {"dtype", "shape", "data_offsets"}) {
        if (!fields_.contains(required)) throw input_error(place(), std::string("expected the key ") + required);
      }
      if (offsets_.size() != 2) {
        throw input_error(place(), fmt::format("expected two data_offsets, got {}", offsets_.size()));
      }
      tensor_.begin = offsets_[0];
      tensor_.end = offsets_[1];
      header.entries.emplace(name_, std::move(tensor_));
    }
    return true;
  }
  bool start_array(std::size_t) override {
    if (in_array_ || depth_ != 2 || in_metadata_ || field_ == "dtype") fail("an array");
    in_array_ = true;
    if (field_ == "data_offsets") offsets_.clear();
    return true;
  }
  bool end_array() override {
    in_array_ = false;
    return true;
  }
  bool string(std::string& text) override {
    if (depth_ == 2 && in_metadata_) {
      header.metadata.emplace(field_, text);
      return true;
    }
    if (depth_ != 2 || in_array_ || field_ != "dtype") fail("a string");
    const auto row = std::find_if(kDTypes.begin(), kDTypes.end(), [&](const DTypeRow& r) { return r.name == text; });
    if (row == kDTypes.end()) {
      throw input_error(place(), "expected a dtype of " + supported_dtypes() + ", got " + in_quotes(text) +
                                     "; convert the tensor to one of them");
    }
    tensor_.dtype = row->dtype;
    return true;
  }
  bool number_unsigned(std::uint64_t number) override {
    if (!in_array_) fail("a number");
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      throw input_error(place(), fmt::format("expected numbers below 2^63, got {} in {}", number, field_));
    }
    if (field_ == "shape") {
      if (tensor_.shape.size() == kMaxDimensions) throw input_error(place(), "expected at most 64 dimensions");
      tensor_.shape.push_back(static_cast<std::int64_t>(number));
    } else {
      if (offsets_.size() == 2) throw input_error(place(), "expected two data_offsets, got more");
      offsets_.push_back(number);
    }
    return true;
  }
  bool number_integer(std::int64_t number) override { return fail(fmt::format("the number {}", number)); }
  bool number_float(double, const std::string& text) override { return fail("the number " + text.substr(0, 40)); }
  bool boolean(bool) override { return fail("a truth value"); }
  bool null() override { return (depth_ == 1 && in_metadata_) || fail("null"); }  // no metadata
  bool binary(nlohmann::json::binary_t&) override { return fail("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    throw input_error(where_,
                      fmt::format("expected the header to be valid JSON, got something else at its byte {}", position));
  }

 private:
  std::string place() const { return where_ + ": " + in_quotes(name_); }
  [[noreturn]] bool fail(const std::string& found) const {
    const std::string at = depth_ == 2 ? place() + (field_.empty() ? "" : " " + in_quotes(field_)) : where_;
    throw input_error(
        at, "expected a header of {name: {dtype: text, shape: [counts], data_offsets: [begin, end]}}, got " + found +
                " out of place");
  }

  const std::string& where_;
  int depth_ = 0;
  bool in_array_ = false, in_metadata_ = false, seen_metadata_ = false;
  std::string name_, field_;
  SafetensorsEntry tensor_;
  std::set<std::string> fields_;
  std::vector<std::uint64_t> offsets_;
};

// Bytes of a shape, or nothing where it overflows; a zero dimension must not hide an overflow of the others, since
// strides are products of those.
std::optional<std::uint64_t> bytes_of(const SafetensorsEntry& entry) {
  std::int64_t product = static_cast<std::int64_t>(size_of(entry.dtype));
  bool empty = false;
  for (const std::int64_t size : entry.shape) {
    empty = empty || size == 0;
    if (__builtin_mul_overflow(product, std::max<std::int64_t>(size, 1), &product)) return {};
  }
  return empty ? 0 : static_cast<std::uint64_t>(product);
}

void check_spans(const SafetensorsHeader& header, std::uint64_t data_bytes, const std::string& where) {
  std::vector<std::pair<const std::string*, const SafetensorsEntry*>> order;
  for (const auto& [name, entry] : header.entries) order.emplace_back(&name, &entry);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
  });
  std::uint64_t next = 0;
  for (const auto& [name, entry] : order) {
    const std::string place = where + ": " + in_quotes(*name);
    if (entry->begin != next || entry->end < entry->begin) {
      throw input_error(place, fmt::format("expected data_offsets without hole or overlap, from {}, got {} to {}", next,
                                           entry->begin, entry->end));
    }
    const auto bytes = bytes_of(*entry);
    if (!bytes) throw input_error(place, "expected a shape that fits in memory, got one whose product overflows");
    if (*bytes != entry->end - entry->begin) {
      throw input_error(
          place, fmt::format("expected {} bytes for its shape and dtype, got {}", *bytes, entry->end - entry->begin));
    }
    next = entry->end;
  }
  if (next != data_bytes) {
    throw input_error(where,
                      fmt::format("expected {} bytes of tensor data, got {}; the file is {}", next, data_bytes,
                                  (next > data_bytes ? "truncated: copy it again" : "longer than its header says")));
  }
}

}  // namespace

std::size_t size_of(DType dtype) { return row_of(dtype).bytes; }
std::string_view name_of(DType dtype) { return row_of(dtype).name; }

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes, const std::string& where) {
  if (json.empty() || json.front() != '{') throw input_error(where, "expected a header that begins with {");
  // The JSON library takes NUL for the end of the text, which would hide what follows it.
  if (json.find('\0') != std::string_view::npos)
    throw input_error(where, "expected a JSON header, got a NUL byte in it");
  HeaderReader reader(where);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  check_spans(reader.header, data_bytes, where);
  return std::move(reader.header);
}

}  // namespace fewstep
