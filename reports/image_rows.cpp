#include "reports/image_rows.h"

#include "reports/safe_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fewstep {
namespace {

// A quotation mark ends no field, and a spreadsheet runs no formula; numbers stand as they are.
std::string csv_field(const ImageValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return csv_text(*text);
  return std::visit([](const auto& number) { return fmt::format("{}", number); }, value);
}

}  // namespace

ImageMetrics image_metrics(const StoreOf& store_of, const std::vector<StoredCell>& cells) {
  ImageMetrics metrics;
  for (const ScoreKey& key : score_keys(cells)) {
    const bool same = std::any_of(metrics.keys.begin(), metrics.keys.end(), [&](const ScoreKey& other) {
      return other.metric.name == key.metric.name && other.metric.protocol == key.metric.protocol &&
             other.metric.model_hash == key.metric.model_hash && other.metric.version == key.metric.version;
    });
    const bool measured = std::any_of(cells.begin(), cells.end(), [&](const StoredCell& cell) {
      return find_score(cell, key) && has_numbers(store_of(cell), cell.series_id, key.metric);
    });
    if (!same && measured) metrics.keys.push_back(key);
  }
  for (const ScoreKey& key : metrics.keys) {
    const auto of_name = std::count_if(metrics.keys.begin(), metrics.keys.end(),
                                       [&](const ScoreKey& other) { return other.metric.name == key.metric.name; });
    std::string name = of_name == 1 ? key.metric.name : key.metric.name + ":" + key.metric.protocol;
    for (int n = 2; std::find(metrics.names.begin(), metrics.names.end(), name) != metrics.names.end(); ++n)
      name = fmt::format("{}:{}:{}", key.metric.name, key.metric.protocol, n);
    metrics.names.push_back(std::move(name));
  }
  return metrics;
}

void for_each_image_row(const ReportInput& input, const ImageMetrics& metrics,
                        const std::function<void(const ImageRow& row)>& use) {
  std::vector<MetricKey> keys;
  for (const ScoreKey& key : metrics.keys) keys.push_back(key.metric);
  const StoreOf stores = store_of(input.arms);
  for (const StoredCell& cell : input.table.cells)
    for_each_image(stores(cell), cell.series_id, keys, [&](StoredImageRow&& image) {
      use({cell.arm_name, &cell, std::move(image)});
    });
}

std::string print_samples_csv(const ReportInput& input) {
  const ImageMetrics metrics = image_metrics(store_of(input.arms), input.table.cells);
  std::string out;
  for (const ImageColumn& column : kImageColumns) out += (out.empty() ? "" : ",") + std::string(column.name);
  for (const std::string& name : metrics.names) out += "," + csv_text(name);
  out += "\r\n";
  for_each_image_row(input, metrics, [&](const ImageRow& row) {
    bool first = true;
    for (const ImageColumn& column : kImageColumns) {
      out += (first ? "" : ",") + csv_field(column.value(row));
      first = false;
    }
    for (const auto& value : row.image.values) out += value ? fmt::format(",{}", *value) : ",";
    out += "\r\n";
  });
  return out;
}

}  // namespace fewstep
