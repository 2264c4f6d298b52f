#include "cli/samples_parquet.h"

#include "core/error.h"
#include "reports/image_rows.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/writer.h>

#include <memory>
#include <utility>
#include <vector>

namespace fewstep {
namespace {

constexpr std::int64_t kRowsOfAGroup = 64 * 1024;

void check(const arrow::Status& status) {
  if (!status.ok()) throw environment_error("samples-parquet", status.ToString());
}

template <typename Value>
Value take(arrow::Result<Value> result) {
  check(result.status());
  return std::move(result).ValueUnsafe();
}

std::shared_ptr<arrow::DataType> type_of(const ImageValue& value) {
  switch (value.index()) {
    case 0:
      return arrow::utf8();
    case 1:
      return arrow::int64();
    case 2:
      return arrow::uint64();
    default:
      return arrow::float64();
  }
}

void append(arrow::ArrayBuilder& builder, const ImageValue& value) {
  if (const auto* text = std::get_if<std::string>(&value))
    check(static_cast<arrow::StringBuilder&>(builder).Append(*text));
  if (const auto* number = std::get_if<std::int64_t>(&value))
    check(static_cast<arrow::Int64Builder&>(builder).Append(*number));
  if (const auto* number = std::get_if<std::uint64_t>(&value))
    check(static_cast<arrow::UInt64Builder&>(builder).Append(*number));
  if (const auto* number = std::get_if<double>(&value))
    check(static_cast<arrow::DoubleBuilder&>(builder).Append(*number));
}

// Rows of one group at a time.
class Writer {
 public:
  explicit Writer(const std::vector<std::string>& metrics) {
    const StoredCell none;
    const ImageRow empty{"", &none, {}};
    arrow::FieldVector fields;
    for (const ImageColumn& column : kImageColumns)
      fields.push_back(arrow::field(std::string(column.name), type_of(column.value(empty)), false));
    for (const std::string& name : metrics) fields.push_back(arrow::field(name, arrow::float64()));
    schema_ = arrow::schema(fields);
    sink_ = take(arrow::io::BufferOutputStream::Create());
    const auto properties = parquet::WriterProperties::Builder().compression(parquet::Compression::SNAPPY)->build();
    writer_ = take(parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), sink_, properties));
    begin();
  }

  void add(const ImageRow& row) {
    std::size_t at = 0;
    for (const ImageColumn& column : kImageColumns) append(*builders_[at++], column.value(row));
    for (const auto& value : row.image.values) {
      auto& builder = static_cast<arrow::DoubleBuilder&>(*builders_[at++]);
      check(value ? builder.Append(*value) : builder.AppendNull());
    }
    if (++rows_ == kRowsOfAGroup) end();
  }

  std::string finish() {
    if (rows_ > 0) end();
    check(writer_->Close());
    return take(sink_->Finish())->ToString();
  }

 private:
  void begin() {
    builders_.clear();
    for (const auto& field : schema_->fields()) builders_.push_back(take(arrow::MakeBuilder(field->type())));
    rows_ = 0;
  }
  void end() {
    arrow::ArrayVector columns;
    for (const auto& builder : builders_) columns.push_back(take(builder->Finish()));
    check(writer_->WriteTable(*arrow::Table::Make(schema_, columns), kRowsOfAGroup));
    begin();
  }

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::io::BufferOutputStream> sink_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::int64_t rows_ = 0;
};

}  // namespace

std::string samples_parquet(const ReportRequest& request) {
  std::string bytes;
  with_report_input(request, [&](const ReportInput& input) {
    const ImageMetrics metrics = image_metrics(store_of(input.arms), input.table.cells);
    Writer writer(metrics.names);
    for_each_image_row(input, metrics, [&](const ImageRow& row) { writer.add(row); });
    bytes = writer.finish();
  });
  return bytes;
}

}  // namespace fewstep
