#include "datasets/caption_table.h"

#include "core/names.h"
#include "core/text.h"

#include <arrow/util/utf8.h>

#include <algorithm>
#include <array>

namespace fewstep {
namespace {

constexpr std::array<std::string_view, 3> kUsualNames = {"caption", "text", "prompt"};
constexpr std::array<std::string_view, 6> kUsualFileNames = {"file_name", "filename", "file",
                                                             "image",     "path",     "image_path"};

std::string listed(std::span<const std::string> names) {
  constexpr std::size_t kShown = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i ? ", " : "") + in_quotes(names[i]);
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
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

void expect_text(const PromptQuery& query, const CaptionColumn& column) {
  if (column.text) return;
  throw input_error(query.file.string(), "expected text in column " + in_quotes(column.name) + ", got another type");
}

}  // namespace

ChosenColumns choose_columns(const PromptQuery& query, std::span<const CaptionColumn> columns) {
  ChosenColumns chosen;
  if (query.files) chosen.file = find_file_column(query, columns);
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

Error error_at(const PromptQuery& query, Place place, std::string_view what) {
  return input_error(query.file.string() + ", " + place.unit + " " + std::to_string(place.number), what);
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

void PromptCollector::add(std::optional<std::string_view> caption, std::span<const double> values, Place place,
                          std::optional<std::string_view> file) {
  const std::int64_t row = set_.rows_read++;
  if (!passes(values)) {
    ++set_.rows_filtered;
    return;
  }
  if (query_.files) check_file(file, place);
  if (!caption || is_blank(*caption)) {
    if (query_.files) throw error_at(query_, place, "expected a caption for " + in_quotes(*file) + ", got none");
    ++set_.rows_empty;
    return;
  }
  if (const auto trouble = utf8_trouble(*caption, "a caption")) throw error_at(query_, place, *trouble);
  set_.prompts.push_back({row, std::string(*caption), std::string(file.value_or(""))});
}

void PromptCollector::check_file(std::optional<std::string_view> file, Place place) const {
  if (!file || is_blank(*file)) throw error_at(query_, place, "expected the name of an image, got none");
  if (const auto trouble = utf8_trouble(*file, "the name of an image")) throw error_at(query_, place, *trouble);
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
  if (set_.prompts.empty() || (query_.count && !full())) {
    throw input_error(query_.file.string(),
                      "expected " + (query_.count ? std::to_string(*query_.count) : "at least 1") + " captions, got " +
                          std::to_string(set_.prompts.size()) + ": of " + std::to_string(set_.rows_read) + " rows " +
                          std::to_string(set_.rows_filtered) + " do not pass the filter and " +
                          std::to_string(set_.rows_empty) + " are empty");
  }
  set_.text_column = std::move(text_column);
  return std::move(set_);
}

}  // namespace fewstep
