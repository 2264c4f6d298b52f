#include "reports/gallery.h"

#include "reports/document.h"
#include "reports/scores.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {
namespace {

// Samples of one prompt in every cell that has one, and what the others say instead.
struct PromptSamples {
  std::vector<StoredSample> samples;
  std::vector<std::vector<EmbeddedImages::Place>> tiles;  // [line][column]; those of samples are still empty
  std::vector<std::pair<std::size_t, std::size_t>> at;    // of each sample
};

PromptSamples samples_of(Store& store, const CellLines& lines, std::int64_t prompt_id) {
  PromptSamples result;
  for (std::size_t line = 0; line < lines.lines.size(); ++line) {
    auto& tiles = result.tiles.emplace_back(lines.columns.size());
    for (std::size_t column = 0; column < lines.columns.size(); ++column) {
      const StoredCell* cell = lines.lines[line].cells[column];
      if (!cell) {
        tiles[column].instead = "not in the experiment";
      } else if (const auto sample = first_sample(store, cell->series_id, prompt_id)) {
        result.samples.push_back(*sample);
        result.at.emplace_back(line, column);
      } else {
        tiles[column].instead = cell->state == CellState::kComplete ? "no image" : state_text(*cell);
      }
    }
  }
  return result;
}

CellExtremes::Item item_of(Store& store, std::int64_t series_id, PromptScore score, EmbeddedImages& images) {
  CellExtremes::Item item{std::move(score), {-1, "no image"}};
  if (const auto sample = first_sample(store, series_id, item.score.prompt.id)) item.image = images.add(*sample);
  return item;
}

}  // namespace

Gallery make_gallery(Store& store, const CellLines& lines, EmbeddedImages& images, int max_prompts) {
  std::vector<std::int64_t> series;
  for (const CellLine& line : lines.lines)
    for (const StoredCell* cell : line.cells)
      if (cell) series.push_back(cell->series_id);
  Gallery gallery;
  const auto prompts = prompts_with_images(store, series, max_prompts);
  for (const StoredPrompt& prompt : prompts) {
    PromptSamples found = samples_of(store, lines, prompt.id);
    std::vector<EmbeddedImages::Place> places;
    if (!images.add_all(found.samples, places)) {
      if (!gallery.prompts.empty()) break;
      for (const StoredSample& sample : found.samples) places.push_back(images.add(sample));
    }
    for (std::size_t i = 0; i < places.size(); ++i) found.tiles[found.at[i].first][found.at[i].second] = places[i];
    gallery.prompts.push_back(prompt);
    gallery.tiles.push_back(std::move(found.tiles));
  }
  if (gallery.prompts.size() < prompts.size()) {
    gallery.note = fmt::format("{} of the {} prompts asked for: more images would make the page too large.",
                               gallery.prompts.size(), prompts.size());
  }
  return gallery;
}

std::vector<CellExtremes> make_extremes(Store& store, const StoredTable& table, const CellLines& lines,
                                        EmbeddedImages& images, int prompts_each) {
  const auto keys = score_keys(table.cells);
  std::vector<CellExtremes> all;
  for (const ScoreKey& key : keys) {
    for (const CellLine& line : lines.lines) {
      for (std::size_t column = 0; column < line.cells.size(); ++column) {
        const StoredCell* cell = line.cells[column];
        if (!cell || !find_score(*cell, key)) continue;
        auto extremes = prompt_extremes(store, cell->series_id, key.metric, prompts_each);
        if (extremes.best.empty()) continue;
        CellExtremes& shown = all.emplace_back();
        shown.cell = line.label + " · " + lines.columns[column];
        shown.metric = score_title(key, keys);
        for (PromptScore& score : extremes.best)
          shown.best.push_back(item_of(store, cell->series_id, std::move(score), images));
        for (PromptScore& score : extremes.worst)
          shown.worst.push_back(item_of(store, cell->series_id, std::move(score), images));
      }
    }
  }
  return all;
}

}  // namespace fewstep
