#pragma once
#include "reports/embedded_images.h"
#include "reports/figures.h"

#include <string>
#include <vector>

namespace fewstep {

// The same prompts across lines × steps.
struct Gallery {
  std::vector<StoredPrompt> prompts;
  std::vector<std::vector<std::vector<EmbeddedImages::Place>>> tiles;  // [prompt][line][column]
  std::string note;                                                    // which prompts these are, when not all
};

// Prompts with a kept image in most cells, at most max_prompts, as many as images take whole; the first one is there
// whatever fits.
Gallery make_gallery(Store& store, const CellLines& lines, EmbeddedImages& images, int max_prompts);

// The best and the worst prompts of one complete cell by a metric with one number an image.
struct CellExtremes {
  std::string cell, metric;  // "lcm · 4 steps", "CLIP score (transformers) ↑"
  struct Item {
    PromptScore score;
    EmbeddedImages::Place image;
  };
  std::vector<Item> best, worst;
};
std::vector<CellExtremes> make_extremes(Store& store, const StoredTable& table, const CellLines& lines,
                                        EmbeddedImages& images, int prompts_each);

}  // namespace fewstep
