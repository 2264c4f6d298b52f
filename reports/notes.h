#pragma once
#include <string>
#include <vector>

namespace fewstep {

// Footnotes of a document, each text once.
class Notes {
 public:
  explicit Notes(std::vector<std::string>& notes) : notes_(notes) {}
  // " [3]"; nothing for an empty text.
  std::string mark(const std::string& text);

 private:
  std::vector<std::string>& notes_;
};

}  // namespace fewstep
