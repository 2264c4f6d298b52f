#include "harness/score/score_parts.h"

#include "core/error.h"
#include "datasets/captions.h"
#include "datasets/pairing.h"

#include <fmt/format.h>

#include <map>
#include <numeric>
#include <ostream>

namespace fewstep {

Captions read_captions(const ScoreRequest& request, std::span<const std::filesystem::path> files,
                       std::ostream& messages) {
  Captions captions;
  captions.groups.resize(files.size());
  std::iota(captions.groups.begin(), captions.groups.end(), 0);
  if (!request.prompts) return captions;
  const PromptSet set = read_prompts({.file = *request.prompts, .files = FileNames::kWhereThere, .can_raise = false});
  captions.source = set.source;
  captions.names_files = set.names_files;
  const Pairing pairing = pair_with_captions(request.images, files, set, *request.prompts);
  messages << text_of(set, *request.prompts) << "; " << pairing.text << std::endl;
  std::map<std::string, std::int64_t> first;
  for (std::size_t i = 0; i < files.size(); ++i) {
    captions.texts.push_back(set.prompts[pairing.prompt[i]].text);
    captions.rows.push_back(set.prompts[pairing.prompt[i]].row);
    captions.groups[i] = first.emplace(captions.texts.back(), i).first->second;
  }
  return captions;
}

ImageList images_for(const std::filesystem::path& folder, std::span<const OpenMetric* const> metrics) {
  const ImageRule& rule = image_rule(*metrics[0]);
  ImageList list = list_images(folder, rule);
  for (const OpenMetric* metric : metrics.subspan(1)) {
    if (image_rule(*metric) == rule) continue;
    const ImageList other = list_images(folder, image_rule(*metric));
    if (other.files == list.files) continue;
    const auto named = [](const OpenMetric& m) { return m.settings.name + ":" + m.settings.protocol; };
    throw input_error(
        folder.string(),
        fmt::format(
            "expected images that every metric counts, got {} for {} and {} for {}; score the metrics one by one",
            list.files.size(), named(*metrics[0]), other.files.size(), named(*metric)));
  }
  return list;
}

}  // namespace fewstep
