#pragma once
#include "reports/printers.h"
#include "reports/scores.h"
#include "store/read_samples.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fewstep {

// Every image of a table as a row: --format samples-csv and samples-parquet.
struct ImageRow {
  std::string store;  // which of several; empty where there is one
  const StoredCell* cell = nullptr;
  StoredImageRow image;
};

using ImageValue = std::variant<std::string, std::int64_t, std::uint64_t, double>;  // of one type in a column
struct ImageColumn {
  std::string_view name;
  ImageValue (*value)(const ImageRow& row);
};

// The columns before those of the metrics. Raw texts.
inline constexpr std::array<ImageColumn, 15> kImageColumns{{
    {"store", [](const ImageRow& row) -> ImageValue { return row.store; }},
    {"run", [](const ImageRow& row) -> ImageValue { return row.cell->run_id; }},
    {"checkpoint", [](const ImageRow& row) -> ImageValue { return row.cell->key.checkpoint_name; }},
    {"checkpoint_sha256", [](const ImageRow& row) -> ImageValue { return row.cell->key.checkpoint_sha256; }},
    {"sampler", [](const ImageRow& row) -> ImageValue { return row.cell->key.sampler; }},
    {"steps", [](const ImageRow& row) -> ImageValue { return std::int64_t{row.cell->key.steps}; }},
    {"omega", [](const ImageRow& row) -> ImageValue { return row.cell->key.omega; }},
    {"prompt_source", [](const ImageRow& row) -> ImageValue { return row.cell->key.prompt_source; }},
    {"row", [](const ImageRow& row) -> ImageValue { return row.image.prompt_row; }},
    {"caption", [](const ImageRow& row) -> ImageValue { return row.image.text; }},
    {"image_index", [](const ImageRow& row) -> ImageValue { return row.image.image_index; }},
    {"seed", [](const ImageRow& row) -> ImageValue { return row.image.seed; }},
    {"forwards", [](const ImageRow& row) -> ImageValue { return row.image.forwards; }},
    {"image_sha256", [](const ImageRow& row) -> ImageValue { return row.image.image_sha256; }},
    {"image", [](const ImageRow& row) -> ImageValue { return row.image.image_path; }},
}};

// The metrics that have one number an image: a column each, by name ("clip-score"), with the protocol where a name has
// several.
struct ImageMetrics {
  std::vector<ScoreKey> keys;
  std::vector<std::string> names;
};
ImageMetrics image_metrics(const StoreOf& store_of, const std::vector<StoredCell>& cells);

// Calls use for each, by cell, prompt and image.
void for_each_image_row(const ReportInput& input, const ImageMetrics& metrics,
                        const std::function<void(const ImageRow& row)>& use);

}  // namespace fewstep
