#include "datasets/captions.h"

#include "core/error.h"
#include "core/files.h"
#include "core/grouped.h"
#include "core/stand_ins.h"
#include "core/text.h"
#include "datasets/caption_formats.h"
#include "datasets/caption_table.h"
#include "datasets/text_lines.h"

#include <fmt/format.h>

namespace fewstep {
namespace {

PromptSet prompts_of_shapes(const PromptQuery& query) {
  if (!query.count || query.text || !query.where.empty())
    throw usage_error("shapes", "expected a count and no columns for the built-in captions");
  PromptSet set;
  for (std::int64_t row = 0; row < *query.count; ++row) {
    ShapeScene scene = make_shape_scene(query.shapes->split, static_cast<std::uint64_t>(row), query.shapes->style);
    set.prompts.push_back({row, std::move(scene.caption)});
  }
  set.rows_read = *query.count;
  set.source = shapes_hash(query.shapes->split, query.shapes->style);
  return set;
}

PromptSet read_by_extension(const PromptQuery& query) {
  refuse_stand_in(query.file);
  const std::string extension = extension_of(query.file);
  for (const CaptionFormat& format : kCaptionFormats)
    if (format.extension == extension) return format.read(query);
  throw usage_error(query.file.string(), unknown_caption_format(extension));
}

}  // namespace

PromptSet read_prompts_txt(const PromptQuery& query) {
  if (query.text || !query.where.empty()) {
    throw usage_error(query.file.string(), "expected no column for a .txt file (one caption a line), got " +
                                               (query.text ? "text = " + *query.text : std::string("a filter")));
  }
  if (query.files == FileNames::kNeeded)
    throw usage_error(query.file.string(),
                      "expected captions with file names (.jsonl, .csv, .tsv, .parquet), got .txt");
  TextLines lines(query.file);
  PromptCollector collector(query);
  for (std::string line; !collector.full() && lines.next(line);) {
    strip_carriage_return(line);
    collector.add(line, {}, {"line", lines.number()});
  }
  return collector.finish("");
}

std::string text_of(const PromptSet& set, const std::filesystem::path& file) {
  const std::string column = set.text_column.empty() ? "" : " from column " + in_quotes(set.text_column);
  return file.string() + ": " + grouped(static_cast<std::int64_t>(set.prompts.size())) + " captions" + column +
         (set.dialect.empty() ? "" : " (" + set.dialect + ")") + ", the first: " + in_quotes(set.prompts.front().text) +
         (set.rows_empty ? "; " + grouped(set.rows_empty) + " empty ones are left out" : "");
}

PromptSet read_prompts(const PromptQuery& query) {
  if (query.count && *query.count < 1)
    throw usage_error(query.shapes ? "shapes" : query.file.string(),
                      fmt::format("expected a count of at least 1, got {}", *query.count));
  if (query.shapes) return prompts_of_shapes(query);
  PromptSet set = read_by_extension(query);
  set.source = sha256_file(query.file);
  return set;
}

}  // namespace fewstep
