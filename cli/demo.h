#pragma once
#include "settings/requests.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

namespace fewstep {

// fewstep demo: the pocket experiment, its table and its page.
struct DemoRequest {
  std::filesystem::path store = "results/pocket-demo.sqlite";  // the page is beside it, with the ending .html
  std::optional<std::int64_t> limit = {};                      // prompts
  std::string device = "auto";
};

// Where fewstep is installed and no checkout is about, the pocket world is unpacked into the working directory; err
// says so.
void unpack_on_first_use(std::ostream& err);

std::filesystem::path page_of(const DemoRequest& request);

// experiments/pocket.toml of the checkout or the working directory, as a run. Throws Error (kInput) where neither
// the program's folders nor the working directory's hold it.
RunRequest run_of(const DemoRequest& request);

}  // namespace fewstep
