// docs/mistakes.md: every command there gets the answer there.
#include "core/files.h"
#include "harness/program.h"
#include "temporary.h"
#include "words.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace fewstep {
namespace {

using testing::HasSubstr;

// A table's cells, without the backquotes around a whole cell.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::size_t begin = line.find("| ") + 2;
  for (std::size_t end; (end = line.find(" |", begin)) != std::string::npos; begin = end + 3) {
    std::string cell = line.substr(begin, end - begin);
    if (cell.size() > 1 && cell.front() == '`' && cell.back() == '`') cell = cell.substr(1, cell.size() - 2);
    cells.push_back(cell);
  }
  return cells;
}

TEST(Mistakes, AreAnsweredWithWhatToDo) {
  const TemporaryFolder folder;
  const std::filesystem::path pocket = std::string(FEWSTEP_SOURCE_DIR) + "/pocket";
  for (const char* part : {"lcm", "teacher", "clip", "features"})
    std::filesystem::create_directory_symlink(pocket / part, folder.path() / part);
  std::filesystem::copy_file(pocket / "reference.npz", folder.path() / "r.npz");
  folder.write("main.sqlite", "SQLite format 3");
  folder.write("recipe.toml", "name = 'r'\nmethod = 'lcd'\n");
  folder.write("c.txt", "a red circle\na blue square\n");
  folder.write("model.ckpt", "");
  folder.write("inception.pth", "");
  folder.write("e.toml",
               "name = 'e'\nseed = 1\n[prompts]\nbuiltin = 'shapes'\ncount = 8\n[[checkpoint]]\nname = 'lcm'\npath = "
               "'lcm'\nsamplers = ['lcm']\n[grid]\nsteps = 1\nomega = 1\n[[metric]]\nname = 'clip-score'\nmodel = "
               "'clip'\n");
  make_folders(folder.path() / "empty");
  make_folders(folder.path() / "lora");
  folder.write("lora/pytorch_lora_weights.safetensors", "");
  std::istringstream lines(read_file(std::filesystem::path(FEWSTEP_SOURCE_DIR) / "docs/mistakes.md"));
  int mistakes = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    const auto cells = cells_of(line);
    ASSERT_EQ(cells.size(), 3U) << line;
    const Finished finished = run_program("fewstep", shell_words(cells[0]), [&] {
      ::unsetenv("FEWSTEP_WEIGHTS");
      ::setenv("HOME", folder.path().c_str(), 1);
      if (::chdir(folder.path().c_str()) != 0) ::_exit(127);
    });
    EXPECT_EQ(finished.code, std::stoi(cells[2])) << cells[0] << "\n" << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(cells[1])) << cells[0];
    EXPECT_EQ(finished.out, "") << cells[0];
    ++mistakes;
  }
  EXPECT_GE(mistakes, 45);
}

}  // namespace
}  // namespace fewstep
