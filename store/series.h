#pragma once
#include "core/cell_key.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <span>
#include <string>

namespace fewstep {

// The axes of cells as rows of the table series: a column for each axis that is there from the first, the others in
// its settings, as JSON, where they are off their default.

// The SHA-256 of all that decides a cell's images. Names that only label it are left out, so that a renamed checkpoint
// keeps its samples. Throws Error (kInput) for texts that are no UTF-8.
std::string series_identity(const CellKey& key, std::span<const CellAxis> axes = kCellAxes);

// INSERT INTO series with a question mark for identity, checkpoint_id and each axis, in this order.
std::string insert_series_sql();
// Gives the statement the values of the axes, and steps.
void bind_series(SQLite::Statement& insert, const CellKey& key);

// What series_at reads, for a SELECT from series s and checkpoint k; version: of the schema.
std::string series_columns(int version);
// Throws Error (kInput) for values that are none of ours, and for an axis that is not known.
CellKey series_at(const std::filesystem::path& path, SQLite::Statement& row);

// The text of series.settings, and back. Throws Error (kInput) as series_at.
std::string series_settings(const CellKey& key, std::span<const CellAxis> axes = kCellAxes);
void read_series_settings(const std::filesystem::path& path, const std::string& text, CellKey& key,
                          std::span<const CellAxis> axes = kCellAxes);

}  // namespace fewstep
