#include "core/error.h"
#include "core/text.h"
#include "datasets/caption_formats.h"
#include "datasets/caption_table.h"

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/float16.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <numeric>
#include <utility>

namespace fewstep {
namespace {

constexpr std::int64_t kMaxRows = 1'000'000'000;
constexpr std::int64_t kBatchRows = 16'384;

template <typename T>
T value_or_throw(const PromptQuery& query, arrow::Result<T> result) {
  if (!result.ok())
    throw input_error(query.file.string(), "expected a valid parquet file: " + result.status().message());
  return std::move(result).ValueUnsafe();
}

bool is_text(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY)
    return is_text(*static_cast<const arrow::DictionaryType&>(type).value_type());
  // Files written by old Spark versions do not mark strings as such.
  return arrow::is_base_binary_like(type.id()) || arrow::is_binary_view_like(type.id());
}

// The same layout without the promise of UTF-8.
std::shared_ptr<arrow::DataType> as_binary(arrow::Type::type id) {
  if (arrow::is_binary_view_like(id)) return arrow::binary_view();
  return arrow::is_large_binary_like(id) ? arrow::large_binary() : arrow::binary();
}

// Captions, or file names, of an array of strings, of any layout, or of a dictionary of them. The bytes are seen as
// binary, so that the collector can name the row that is not UTF-8.
class Captions {
 public:
  Captions(const PromptQuery& query, std::shared_ptr<arrow::Array> array) : query_(query) {
    if (array->type_id() == arrow::Type::DICTIONARY) {
      dictionary_ = std::static_pointer_cast<arrow::DictionaryArray>(std::move(array));
      array = dictionary_->dictionary();
    }
    strings_ = value_or_throw(query_, array->View(as_binary(array->type_id())));
    const arrow::Status status = strings_->ValidateFull();
    if (!status.ok()) throw input_error(query_.file.string(), "expected valid strings: " + status.message());
  }

  std::optional<std::string_view> operator[](std::int64_t i) const {
    if (dictionary_) {
      if (dictionary_->IsNull(i)) return std::nullopt;
      i = dictionary_->GetValueIndex(i);
      if (i < 0 || i >= strings_->length())
        throw input_error(query_.file.string(), fmt::format("expected an index into the dictionary, got {}", i));
    }
    if (strings_->IsNull(i)) return std::nullopt;
    switch (strings_->type_id()) {
      case arrow::Type::BINARY_VIEW:
        return static_cast<const arrow::BinaryViewArray&>(*strings_).GetView(i);
      case arrow::Type::LARGE_BINARY:
        return static_cast<const arrow::LargeBinaryArray&>(*strings_).GetView(i);
      default:
        return static_cast<const arrow::BinaryArray&>(*strings_).GetView(i);
    }
  }

 private:
  const PromptQuery& query_;
  std::shared_ptr<arrow::DictionaryArray> dictionary_;
  std::shared_ptr<arrow::Array> strings_;
};

bool is_number(arrow::Type::type id) { return arrow::is_integer(id) || arrow::is_floating(id); }

template <typename Array>
double element(const arrow::Array& array, std::int64_t i) {
  return static_cast<double>(static_cast<const Array&>(array).Value(i));
}

// An integer or float of any width; NaN for null.
double number_at(const arrow::Array& array, std::int64_t i) {
  if (array.IsNull(i)) return std::numeric_limits<double>::quiet_NaN();
  switch (array.type_id()) {
    case arrow::Type::INT8:
      return element<arrow::Int8Array>(array, i);
    case arrow::Type::INT16:
      return element<arrow::Int16Array>(array, i);
    case arrow::Type::INT32:
      return element<arrow::Int32Array>(array, i);
    case arrow::Type::INT64:
      return element<arrow::Int64Array>(array, i);
    case arrow::Type::UINT8:
      return element<arrow::UInt8Array>(array, i);
    case arrow::Type::UINT16:
      return element<arrow::UInt16Array>(array, i);
    case arrow::Type::UINT32:
      return element<arrow::UInt32Array>(array, i);
    case arrow::Type::UINT64:
      return element<arrow::UInt64Array>(array, i);
    case arrow::Type::HALF_FLOAT:
      return arrow::util::Float16::FromBits(static_cast<const arrow::HalfFloatArray&>(array).Value(i)).ToDouble();
    case arrow::Type::FLOAT:
      return element<arrow::FloatArray>(array, i);
    default:
      return element<arrow::DoubleArray>(array, i);
  }
}

class CaptionParquet {
 public:
  explicit CaptionParquet(const PromptQuery& query) : query_(query) {
    parquet::ReaderProperties properties;
    properties.enable_buffered_stream();  // a page at a time, not a whole column of a row group
    properties.set_page_checksum_verification(true);
    auto file = value_or_throw(query, arrow::io::ReadableFile::Open(query.file.string()));
    auto contents = parquet::ParquetFileReader::Open(std::move(file), properties);
    check_size(*contents->metadata());
    parquet::ArrowReaderProperties arrow_properties;
    arrow_properties.set_batch_size(kBatchRows);
    arrow_properties.set_pre_buffer(false);
    reader_ = value_or_throw(
        query, parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(contents), arrow_properties));
    choose();
  }

  PromptSet read() {
    std::vector<int> row_groups(reader_->num_row_groups());
    std::iota(row_groups.begin(), row_groups.end(), 0);
    PromptCollector collector(query_);
    const auto batches = value_or_throw(query_, reader_->GetRecordBatchReader(row_groups, leaves_));
    std::int64_t row = 0;
    std::shared_ptr<arrow::RecordBatch> batch;
    while (!collector.full() && (batch = value_or_throw(query_, batches->Next()))) row = add(*batch, row, collector);
    if (!collector.full() && row != reader_->parquet_reader()->metadata()->num_rows())
      throw input_error(query_.file.string(), fmt::format("expected as many rows as the footer says, got {}", row));
    return collector.finish(text_);
  }

 private:
  void check_size(const parquet::FileMetaData& metadata) const {
    if (metadata.num_rows() > kMaxRows || metadata.num_columns() > static_cast<int>(kMaxColumns)) {
      throw input_error(query_.file.string(), fmt::format("expected at most 1e9 rows and 10000 columns, got {} and {}",
                                                          metadata.num_rows(), metadata.num_columns()));
    }
  }

  // Top-level columns alone: a field of a struct or list is no caption.
  void choose() {
    std::vector<CaptionColumn> columns;
    const auto& fields = reader_->manifest().schema_fields;
    for (const auto& field : fields) columns.push_back({field.field->name(), is_text(*field.field->type())});
    const ChosenColumns chosen = choose_columns(query_, columns);
    text_ = columns[chosen.text].name;
    leaves_.push_back(fields[chosen.text].column_index);
    if (chosen.file) {
      file_ = columns[*chosen.file].name;
      leaves_.push_back(fields[*chosen.file].column_index);
    }
    for (const std::size_t index : chosen.where) {
      const auto& type = *fields[index].field->type();
      if (!is_number(type.id())) {
        throw input_error(query_.file.string(), "expected a number in column " + in_quotes(columns[index].name) +
                                                    " to filter by, got " + type.ToString());
      }
      if (std::find(leaves_.begin(), leaves_.end(), fields[index].column_index) == leaves_.end())
        leaves_.push_back(fields[index].column_index);
    }
  }

  std::int64_t add(const arrow::RecordBatch& batch, std::int64_t row, PromptCollector& collector) const {
    const Captions captions(query_, batch.GetColumnByName(text_));
    std::optional<Captions> files;
    if (file_) files.emplace(query_, batch.GetColumnByName(*file_));
    std::vector<std::shared_ptr<arrow::Array>> numbers;
    for (const RowFilter& filter : query_.where) numbers.push_back(batch.GetColumnByName(filter.column));
    std::vector<double> values(numbers.size());
    for (std::int64_t i = 0; i < batch.num_rows() && !collector.full(); ++i) {
      for (std::size_t k = 0; k < values.size(); ++k) values[k] = number_at(*numbers[k], i);
      collector.add(captions[i], values, {"row", row + i + 1}, files ? (*files)[i] : std::nullopt);
    }
    return row + batch.num_rows();
  }

  const PromptQuery& query_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::string text_;
  std::optional<std::string> file_;
  std::vector<int> leaves_;
};

}  // namespace

PromptSet read_prompts_parquet(const PromptQuery& query) {
  try {
    return CaptionParquet(query).read();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {  // parquet::ParquetException, and what hostile sizes lead to
    throw input_error(query.file.string(), std::string("expected a valid parquet file: ") + error.what());
  }
}

}  // namespace fewstep
