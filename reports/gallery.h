#pragma once
#include "reports/arm.h"
#include "reports/embedded_images.h"
#include "reports/figures.h"
#include "reports/headlines.h"

#include <string>
#include <vector>

namespace fewstep {

// A picture that a page would show: of a prompt's first image in a cell.
struct PagePicture {
  const StoredCell* cell = nullptr;
  StoredPrompt prompt;
};

// The same prompts across lines × steps.
struct Gallery {
  std::vector<StoredPrompt> prompts;
  std::vector<std::vector<std::vector<EmbeddedImages::Place>>> tiles;          // [prompt][line][column]
  std::vector<std::vector<std::vector<std::optional<double>>>> prompt_scores;  // the same, by metric
  std::string metric;  // of these: the first with one number an image; empty where there is none
  std::string note;    // which prompts these are, when not all
};

// Prompts with a kept image in most cells, at most max_prompts, as many as images take whole; the first one is there
// whatever fits.
Gallery make_gallery(const StoreOf& store_of, const CellLines& lines, EmbeddedImages& images, int max_prompts);

// The best and the worst prompts of one complete cell by a metric with one number an image.
struct CellExtremes {
  const StoredCell* at = nullptr;
  std::string cell, metric;  // "lcm · 4 steps", "CLIP score (transformers) ↑"
  struct Item {
    PromptScore score;
    EmbeddedImages::Place image;
  };
  std::vector<Item> best, worst;
};
std::vector<CellExtremes> make_extremes(const StoreOf& store_of, const StoredTable& table, const CellLines& lines,
                                        EmbeddedImages& images, int prompts_each);

// The prompts on which a student loses most against its teacher, by the first metric with one number an image.
struct StudentLosses {
  StudentPair pair;
  std::string metric;
  struct Item {
    StoredPrompt prompt;  // of the student's store
    double student = 0, teacher = 0;
    EmbeddedImages::Place student_image, teacher_image;
  };
  std::vector<Item> prompts;  // the worst first
};
std::vector<StudentLosses> make_losses(const StoreOf& store_of, const StoredTable& table,
                                       const std::vector<StudentPair>& pairs, EmbeddedImages& images,
                                       std::size_t prompts_each);

// What of the extremes and the losses was not kept and can be made again.
std::vector<PagePicture> missing_pictures(const StoreOf& store_of, const std::vector<CellExtremes>& extremes,
                                          const std::vector<StudentLosses>& losses);

struct ReportInput;
// The same of all that a page shows: extremes of cells, losses of students. Defined in printers/html.cpp.
std::vector<PagePicture> missing_pictures(const ReportInput& input);

}  // namespace fewstep
