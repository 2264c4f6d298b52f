// fewstep_paired [--contributions FILE.csv] STORE…: reports/paired.h, for `make pocket-results`.
#include "cli/exit_status.h"
#include "core/files.h"
#include "reports/paired.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <optional>

int main(int argc, char** argv) {
  CLI::App app("scores and paired differences of stores that differ in their seed", "fewstep_paired");
  std::vector<std::filesystem::path> stores;
  std::optional<std::filesystem::path> csv;
  app.add_option("STORE", stores)->required();
  app.add_option("--contributions", csv, "what each prompt adds to each score, as CSV");
  CLI11_PARSE(app, argc, argv);
  return fewstep::run_to_exit_code([&] {
    const std::string contributions = fewstep::paired_report(stores, std::cout);
    if (csv) fewstep::write_file_atomically(*csv, contributions);
    return 0;
  });
}
