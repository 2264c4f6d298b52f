#include "reports/gallery.h"

#include "reports/document.h"
#include "reports/image_rows.h"
#include "reports/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace fewstep {
namespace {

// The same prompt as a cell's own store has it: by its row in the same captions.
std::optional<StoredPrompt> prompt_in(Store& store, const StoredCell& cell, const StoredPrompt& wanted) {
  auto found = find_prompt(store, cell.series_id, wanted.row);
  return found && found->text == wanted.text ? found : std::nullopt;
}

// Samples of one prompt in every cell that has one, and what the others say instead.
struct PromptSamples {
  std::vector<std::pair<Store*, StoredSample>> samples;
  std::vector<std::vector<EmbeddedImages::Place>> tiles;  // [line][column]; those of samples are still empty
  std::vector<std::pair<std::size_t, std::size_t>> at;    // of each sample
};

PromptSamples samples_of(const StoreOf& store_of, const CellLines& lines, const StoredPrompt& wanted) {
  PromptSamples result;
  for (std::size_t line = 0; line < lines.lines.size(); ++line) {
    auto& tiles = result.tiles.emplace_back(lines.columns.size());
    for (std::size_t column = 0; column < lines.columns.size(); ++column) {
      const StoredCell* cell = lines.lines[line].cells[column];
      if (!cell) {
        tiles[column].instead = "not in the experiment";
        continue;
      }
      Store& store = store_of(*cell);
      const auto prompt = prompt_in(store, *cell, wanted);
      const auto sample = prompt ? first_sample(store, cell->series_id, prompt->id) : std::nullopt;
      if (sample) {
        result.samples.emplace_back(&store, *sample);
        result.at.emplace_back(line, column);
      } else {
        tiles[column].instead = cell->state == CellState::kComplete ? "no image" : state_text(*cell);
      }
    }
  }
  return result;
}

EmbeddedImages::Place image_of(Store& store, const StoredCell& cell, const StoredPrompt& wanted,
                               EmbeddedImages& images) {
  const auto prompt = prompt_in(store, cell, wanted);
  const auto sample = prompt ? first_sample(store, cell.series_id, prompt->id) : std::nullopt;
  return sample ? images.add(store, *sample) : EmbeddedImages::Place{-1, "no image"};
}

// The first metric that has a number for each image of some cell.
std::optional<ScoreKey> metric_of_images(const StoreOf& store_of, const std::vector<StoredCell>& cells) {
  const auto metrics = image_metrics(store_of, cells).keys;
  return metrics.empty() ? std::nullopt : std::optional(metrics.front());
}

// Of each cell its prompts' numbers, for the prompts of the gallery.
void add_scores(const StoreOf& store_of, const CellLines& lines, Gallery& gallery) {
  std::vector<StoredCell> cells;
  for (const CellLine& line : lines.lines)
    for (const StoredCell* cell : line.cells)
      if (cell) cells.push_back(*cell);
  const auto key = metric_of_images(store_of, cells);
  for (std::size_t prompt = 0; prompt < gallery.prompts.size(); ++prompt)
    gallery.prompt_scores.emplace_back(lines.lines.size(), std::vector<std::optional<double>>(lines.columns.size()));
  if (!key) return;
  gallery.metric = score_title(*key, score_keys(cells));
  for (std::size_t line = 0; line < lines.lines.size(); ++line) {
    for (std::size_t column = 0; column < lines.columns.size(); ++column) {
      const StoredCell* cell = lines.lines[line].cells[column];
      if (!cell) continue;
      const auto scores = prompt_scores(store_of(*cell), cell->series_id, key->metric);
      for (std::size_t prompt = 0; prompt < gallery.prompts.size(); ++prompt)
        if (const auto found = scores.find(gallery.prompts[prompt].row); found != scores.end())
          gallery.prompt_scores[prompt][line][column] = found->second;
    }
  }
}

}  // namespace

Gallery make_gallery(const StoreOf& store_of, const CellLines& lines, EmbeddedImages& images, int max_prompts) {
  // Prompts are chosen in the store of the first cell: another shows those that it has, too.
  Store* first = nullptr;
  std::vector<std::int64_t> series;
  for (const CellLine& line : lines.lines) {
    for (const StoredCell* cell : line.cells) {
      if (!cell) continue;
      if (!first) first = &store_of(*cell);
      if (&store_of(*cell) == first) series.push_back(cell->series_id);
    }
  }
  Gallery gallery;
  if (!first) return gallery;
  const auto prompts = prompts_with_images(*first, series, max_prompts);
  for (const StoredPrompt& prompt : prompts) {
    PromptSamples found = samples_of(store_of, lines, prompt);
    std::vector<EmbeddedImages::Place> places;
    if (!images.add_all(found.samples, places)) {
      if (!gallery.prompts.empty()) break;
      for (const auto& [store, sample] : found.samples) places.push_back(images.add(*store, sample));
    }
    for (std::size_t i = 0; i < places.size(); ++i) found.tiles[found.at[i].first][found.at[i].second] = places[i];
    gallery.prompts.push_back(prompt);
    gallery.tiles.push_back(std::move(found.tiles));
  }
  add_scores(store_of, lines, gallery);
  if (gallery.prompts.size() < prompts.size()) {
    gallery.note = fmt::format("{} of the {} prompts asked for: more images would make the page too large.",
                               gallery.prompts.size(), prompts.size());
  }
  return gallery;
}

std::vector<CellExtremes> make_extremes(const StoreOf& store_of, const StoredTable& table, const CellLines& lines,
                                        EmbeddedImages& images, int prompts_each) {
  const auto keys = score_keys(table.cells);
  std::vector<CellExtremes> all;
  for (const ScoreKey& key : keys) {
    for (const CellLine& line : lines.lines) {
      for (std::size_t column = 0; column < line.cells.size(); ++column) {
        const StoredCell* cell = line.cells[column];
        if (!cell || !find_score(*cell, key)) continue;
        Store& store = store_of(*cell);
        auto extremes = prompt_extremes(store, cell->series_id, key.metric, prompts_each);
        if (extremes.best.empty()) continue;
        CellExtremes& shown = all.emplace_back();
        shown.at = cell;
        shown.cell = line.label + " · " + lines.columns[column];
        shown.metric = score_title(key, keys);
        for (auto [from, to] : {std::pair(&extremes.best, &shown.best), std::pair(&extremes.worst, &shown.worst)})
          for (PromptScore& score : *from) {
            const auto image = image_of(store, *cell, score.prompt, images);
            to->push_back({std::move(score), image});
          }
      }
    }
  }
  return all;
}

std::vector<StudentLosses> make_losses(const StoreOf& store_of, const StoredTable& table,
                                       const std::vector<StudentPair>& pairs, EmbeddedImages& images,
                                       std::size_t prompts_each) {
  std::vector<StudentLosses> all;
  const auto key = metric_of_images(store_of, table.cells);
  if (!key) return all;
  for (const StudentPair& pair : pairs) {
    if (pair.student->key.prompt_source != pair.teacher->key.prompt_source) continue;
    Store &ours = store_of(*pair.student), &theirs = store_of(*pair.teacher);
    const auto teacher = prompt_scores(theirs, pair.teacher->series_id, key->metric);
    std::vector<std::pair<double, std::int64_t>> lost;  // by how much, row
    const auto student = prompt_scores(ours, pair.student->series_id, key->metric);
    for (const auto& [row, value] : student) {
      const auto found = teacher.find(row);
      if (found == teacher.end()) continue;
      const double worse = key->metric.higher_is_better ? found->second - value : value - found->second;
      if (worse > 0) lost.emplace_back(worse, row);
    }
    std::sort(lost.begin(), lost.end(),
              [](auto& a, auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
    StudentLosses losses{pair, score_title(*key, score_keys(table.cells)), {}};
    for (std::size_t i = 0; i < std::min(prompts_each, lost.size()); ++i) {
      const std::int64_t row = lost[i].second;
      const auto prompt = find_prompt(ours, pair.student->series_id, row);
      if (!prompt) continue;
      losses.prompts.push_back({*prompt, student.at(row), teacher.at(row),
                                image_of(ours, *pair.student, *prompt, images),
                                image_of(theirs, *pair.teacher, *prompt, images)});
    }
    if (!losses.prompts.empty()) all.push_back(std::move(losses));
  }
  return all;
}

std::vector<PagePicture> missing_pictures(const StoreOf& store_of, const std::vector<CellExtremes>& extremes,
                                          const std::vector<StudentLosses>& losses) {
  std::vector<PagePicture> missing;
  std::set<std::pair<const StoredCell*, std::int64_t>> seen;
  const auto want = [&](const StoredCell& cell, const StoredPrompt& prompt) {
    if (made_elsewhere(cell) || !seen.emplace(&cell, prompt.row).second) return;
    Store& store = store_of(cell);
    const auto there = prompt_in(store, cell, prompt);
    const auto sample = there ? first_sample(store, cell.series_id, there->id) : std::nullopt;
    if (sample && sample->image_path.empty()) missing.push_back({&cell, *there});
  };
  for (const CellExtremes& cell : extremes)
    for (const auto* items : {&cell.best, &cell.worst})
      for (const auto& item : *items) want(*cell.at, item.score.prompt);
  for (const StudentLosses& lost : losses) {
    for (const auto& item : lost.prompts) {
      want(*lost.pair.student, item.prompt);
      want(*lost.pair.teacher, item.prompt);
    }
  }
  return missing;
}

}  // namespace fewstep
