#include "datasets/captions.h"

#include "core/error.h"
#include "core/files.h"
#include "datasets/caption_table.h"
#include "datasets/text_lines.h"

#include <algorithm>
#include <cctype>

namespace fewstep {
namespace {

PromptSet read_prompts_txt(const PromptQuery& query) {
  if (query.text || !query.where.empty()) {
    throw usage_error(query.file.string(), "expected no column for a .txt file (one caption a line), got " +
                                               (query.text ? "text = " + *query.text : std::string("a filter")));
  }
  if (query.files)
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

std::string extension_of(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension;
}

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
  const std::string extension = extension_of(query.file);
  if (extension == ".parquet") return read_prompts_parquet(query);
  if (extension == ".tsv") return read_prompts_delimited(query, '\t');
  if (extension == ".csv") return read_prompts_delimited(query, ',');
  if (extension == ".jsonl") return read_prompts_jsonl(query);
  if (extension == ".txt") return read_prompts_txt(query);
  throw usage_error(query.file.string(),
                    "expected a caption file .parquet, .tsv, .csv, .jsonl or .txt, got \"" + extension + "\"");
}

}  // namespace

PromptSet read_prompts(const PromptQuery& query) {
  if (query.count && *query.count < 1)
    throw usage_error(query.shapes ? "shapes" : query.file.string(),
                      "expected a count of at least 1, got " + std::to_string(*query.count));
  if (query.shapes) return prompts_of_shapes(query);
  PromptSet set = read_by_extension(query);
  set.source = sha256_file(query.file);
  return set;
}

}  // namespace fewstep
