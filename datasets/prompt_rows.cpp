#include "datasets/prompt_rows.h"

#include "core/names.h"
#include "models/json_file.h"

#include <arrow/util/utf8.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace fewstep {
namespace {

constexpr std::array<std::string_view, 3> kUsualNames = {"caption", "text", "prompt"};

std::string lower(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

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

// The one column with a usual name, else the one that can hold captions at all.
std::size_t find_text_column(const PromptQuery& query, std::span<const CaptionColumn> columns) {
  std::vector<std::string> usual, all;
  for (const CaptionColumn& column : columns) {
    if (!column.text) continue;
    all.push_back(column.name);
    if (std::find(kUsualNames.begin(), kUsualNames.end(), lower(column.name)) != kUsualNames.end())
      usual.push_back(column.name);
  }
  const std::vector<std::string>& candidates = usual.empty() ? all : usual;
  if (candidates.empty()) throw input_error(query.file.string(), "expected a column of captions, got none with text");
  if (candidates.size() > 1) {
    throw input_error(query.file.string(),
                      "expected one column of captions, got " + listed(candidates) + "; name it (text = …)");
  }
  return find_column(query, candidates.front(), columns);
}

}  // namespace

ChosenColumns choose_columns(const PromptQuery& query, std::span<const CaptionColumn> columns) {
  ChosenColumns chosen;
  chosen.text = query.text ? find_column(query, *query.text, columns) : find_text_column(query, columns);
  if (!columns[chosen.text].text) {
    throw input_error(query.file.string(),
                      "expected text in column " + in_quotes(columns[chosen.text].name) + ", got another type");
  }
  for (const RowFilter& filter : query.where) chosen.where.push_back(find_column(query, filter.column, columns));
  return chosen;
}

Error error_at(const PromptQuery& query, Place place, std::string_view what) {
  return input_error(query.file.string() + ", " + place.unit + " " + std::to_string(place.number), what);
}

void PromptCollector::add(std::optional<std::string_view> caption, std::span<const double> values, Place place) {
  const std::int64_t row = set_.rows_read++;
  if (!passes(values)) {
    ++set_.rows_filtered;
    return;
  }
  if (!caption || caption->find_first_not_of(" \t\r\n\v\f") == std::string_view::npos) {
    ++set_.rows_empty;
    return;
  }
  arrow::util::InitializeUTF8();
  if (!arrow::util::ValidateUTF8(*caption))
    throw error_at(query_, place, "expected a caption in UTF-8, got other bytes; convert the file to UTF-8");
  if (caption->find('\0') != std::string_view::npos)
    throw error_at(query_, place, "expected a caption of text, got a NUL byte in it");
  set_.prompts.push_back({row, std::string(*caption)});
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
