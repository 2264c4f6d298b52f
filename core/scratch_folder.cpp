#include "core/scratch_folder.h"

#include "core/error.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>

namespace fewstep {

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "fewstep-XXXXXX").string();
  if (!::mkdtemp(name.data()))
    throw environment_error(name, std::string("a temporary folder cannot be made: ") + std::strerror(errno) +
                                      "; set TMPDIR to a folder that can be written to");
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace fewstep
