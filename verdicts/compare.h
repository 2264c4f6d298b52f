#pragma once
#include "reports/report.h"
#include "settings/cells.h"
#include "verdicts/comparison.h"

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// fewstep compare and fewstep gate.
struct CompareRequest {
  std::string baseline = {}, candidate = {};        // STORE, STORE#RUN or STORE#CHECKPOINT
  std::string only = {};                            // cells of both
  std::string format = "table";                     // of kVerdictPrinters, on standard output
  std::vector<std::filesystem::path> outputs = {};  // files beside, each in the format of its ending
  std::optional<std::filesystem::path> gate = {};   // GATE.toml; nothing: the defaults
  bool unequal_noise = false;
  bool noise_floor = false;                // measures the baseline against itself first
  bool retime = false;                     // measures times of both in turn first
  int processes = 5;                       // of each arm that retime starts
  bool remake_pictures = false;            // makes the pictures that were not kept
  std::filesystem::path floor_store = {};  // of the baseline under another seed, where noise_floor made it
  bool colour = false;                     // of a table on standard output
  bool terminal = false;                   // standard output is one: a page is not written there
};

// The pictures that a page of the comparison would show and that were not kept, of the baseline's and of the
// candidate's store.
std::vector<WantedPictures> wanted_pictures(const CompareRequest& request);

// Returns the exit code: 0, 10, 11, 12 or 13. Throws Error for arms, gates and outputs that are not what they must be.
int run_compare(const CompareRequest& request, std::ostream& out, std::ostream& err);

}  // namespace fewstep
