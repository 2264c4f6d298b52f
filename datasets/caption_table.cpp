#include "datasets/caption_table.h"

#include "core/names.h"
#include "core/text.h"

#include <arrow/util/utf8.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fewstep {
namespace {

constexpr std::array<std::string_view, 3> kUsualNames = {"caption", "text", "prompt"};
constexpr std::array<std::string_view, 10> kUsualFileNames = {
    "file_name", "filename", "file", "image", "path", "image_path", "image_file", "image_name", "img_path", "filepath"};

std::string listed(std::span<const std::string> names) {
  constexpr std::size_t kShown = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i ? ", " : "") + in_quotes(names[i]);
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

Error missing_column(const PromptQuery& query, const std::string& name, std::span<const CaptionColumn> columns) {
  std::vector<std::string> names;
  for (const CaptionColumn& column : columns) names.push_back(column.name);
  const std::string nearest = nearest_name(name, names);
  std::stable_partition(names.begin(), names.end(), [&](const std::string& other) { return other == nearest; });
  std::stable_partition(names.begin(), names.end(),
                        [&](const std::string& other) { return lower(other) == lower(name); });
  return input_error(query.file.string(), "expected a column " + in_quotes(name) + ", got " + listed(names));
}

std::size_t find_column(const PromptQuery& query, const std::string& name, std::span<const CaptionColumn> columns) {
  const auto named = [&](const CaptionColumn& column) { return column.name == name; };
  const auto found = std::find_if(columns.begin(), columns.end(), named);
  if (found == columns.end()) throw missing_column(query, name, columns);
  if (std::count_if(columns.begin(), columns.end(), named) > 1)
    throw input_error(query.file.string(), "expected one column " + in_quotes(name) + ", got several");
  return static_cast<std::size_t>(found - columns.begin());
}

bool is_one_of(std::span<const std::string_view> names, const std::string& name) {
  return std::find(names.begin(), names.end(), lower(name)) != names.end();
}

// The one column with a usual name, else the one besides the file names that can hold captions at all.
std::size_t find_text_column(const PromptQuery& query, std::span<const CaptionColumn> columns,
                             std::optional<std::size_t> file) {
  std::vector<std::string> usual, all;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].text || i == file) continue;
    if (columns[i].name.empty() && columns.size() > 1) continue;  // the index that pandas writes
    all.push_back(columns[i].name);
    if (is_one_of(kUsualNames, columns[i].name)) usual.push_back(columns[i].name);
  }
  const std::vector<std::string>& candidates = usual.empty() ? all : usual;
  if (candidates.empty()) throw input_error(query.file.string(), "expected a column of captions, got none with text");
  if (candidates.size() > 1) {
    throw input_error(query.file.string(),
                      "expected one column of captions, got " + listed(candidates) + "; name it (text = …)");
  }
  return find_column(query, candidates.front(), columns);
}

std::size_t find_file_column(const PromptQuery& query, std::span<const CaptionColumn> columns) {
  if (query.file_column) return find_column(query, *query.file_column, columns);
  std::vector<std::string> usual, all;
  for (const CaptionColumn& column : columns) {
    all.push_back(column.name);
    if (column.text && is_one_of(kUsualFileNames, column.name)) usual.push_back(column.name);
  }
  if (usual.size() != 1) {
    throw input_error(query.file.string(), "expected one column of file names (file_name, image …), got " +
                                               listed(usual.empty() ? all : usual) + "; name it (file_column = …)");
  }
  return find_column(query, usual.front(), columns);
}

// Where exactly one has a usual name, and another column is left for the captions.
std::optional<std::size_t> usual_file_column(std::span<const CaptionColumn> columns) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].text || !is_one_of(kUsualFileNames, columns[i].name)) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return columns.size() > 1 ? found : std::nullopt;
}

void expect_text(const PromptQuery& query, const CaptionColumn& column) {
  if (column.text) return;
  throw input_error(query.file.string(), "expected text in column " + in_quotes(column.name) + ", got another type");
}

}  // namespace

ChosenColumns choose_columns(const PromptQuery& query, std::span<const CaptionColumn> columns) {
  ChosenColumns chosen;
  if (query.files == FileNames::kNeeded || query.file_column) chosen.file = find_file_column(query, columns);
  if (query.files == FileNames::kWhereThere && !chosen.file) chosen.file = usual_file_column(columns);
  chosen.text = query.text ? find_column(query, *query.text, columns) : find_text_column(query, columns, chosen.file);
  expect_text(query, columns[chosen.text]);
  if (chosen.file) expect_text(query, columns[*chosen.file]);
  if (chosen.file == chosen.text) {
    throw input_error(query.file.string(), "expected file names and captions in two columns, got " +
                                               in_quotes(columns[chosen.text].name) + " for both");
  }
  for (const RowFilter& filter : query.where) chosen.where.push_back(find_column(query, filter.column, columns));
  return chosen;
}

bool has_captions(const PromptQuery& query, std::span<const std::string> names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return query.text ? name == *query.text : is_one_of(kUsualNames, name);
  });
}

Error error_at(const PromptQuery& query, Place place, std::string_view what) {
  return input_error(fmt::format("{}, {} {}", query.file.string(), place.unit, place.number), what);
}

std::optional<std::string> utf8_trouble(std::string_view text, std::string_view what) {
  arrow::util::InitializeUTF8();
  if (!arrow::util::ValidateUTF8(text))
    return "expected " + std::string(what) + " in UTF-8, got other bytes; convert the file to UTF-8";
  if (text.find('\0') != std::string_view::npos)
    return "expected " + std::string(what) + " of text, got a NUL byte in it";
  return std::nullopt;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

PromptCollector::PromptCollector(const PromptQuery& query)
    : query_(query), left_out_(query.file.string(), query.max_left_out, query.can_raise) {}

void PromptCollector::add(std::optional<std::string_view> caption, std::span<const double> values, Place place,
                          std::optional<std::string_view> file) {
  const std::int64_t row = set_.rows_read++;
  if (!passes(values)) {
    ++set_.rows_filtered;
    return;
  }
  if (!caption || is_blank(*caption)) {
    ++set_.rows_empty;
    return;
  }
  if (const auto trouble = trouble_with(*caption, file)) {
    return count_left_out(error_at(query_, place, *trouble).what());
  }
  set_.prompts.push_back({row, std::string(*caption), std::string(file.value_or(""))});
  set_.names_files = set_.names_files || file;
}

void PromptCollector::leave_out(std::string_view what) {
  ++set_.rows_read;
  count_left_out(what);
}

void PromptCollector::count_left_out(std::string_view what) {
  ++set_.rows_left_out;
  left_out_.add(what);
}

std::optional<std::string> PromptCollector::trouble_with(std::string_view caption,
                                                         std::optional<std::string_view> file) const {
  if (query_.files == FileNames::kNeeded && (!file || is_blank(*file)))
    return "expected the name of an image, got none";
  if (file)
    if (auto trouble = utf8_trouble(*file, "the name of an image")) return trouble;
  return utf8_trouble(caption, "a caption");
}

// A comparison with NaN is false, so a null never passes.
bool PromptCollector::passes(std::span<const double> values) const {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!(values[i] >= query_.where[i].at_least && values[i] <= query_.where[i].at_most)) return false;
  return true;
}

bool PromptCollector::full() const {
  return query_.count && static_cast<std::int64_t>(set_.prompts.size()) >= *query_.count;
}

PromptSet PromptCollector::finish(std::string text_column) {
  left_out_.finish(set_.rows_read - set_.rows_filtered - set_.rows_empty, "rows",
                   query_.files == FileNames::kNeeded ? kFewSamples : 0);
  if (set_.prompts.empty() || (query_.count && !full())) {
    throw input_error(query_.file.string(),
                      fmt::format("expected {} captions, got {}: of {} rows {} do not pass the filter and {} are empty",
                                  (query_.count ? std::to_string(*query_.count) : "at least 1"), set_.prompts.size(),
                                  set_.rows_read, set_.rows_filtered, set_.rows_empty));
  }
  set_.text_column = std::move(text_column);
  return std::move(set_);
}

}  // namespace fewstep
