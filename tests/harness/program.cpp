#include "harness/program.h"

#include "temporary.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <sstream>

namespace fewstep {
namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

void redirect(const std::filesystem::path& file, int descriptor) {
  const int target = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(target, descriptor);
  ::close(target);
}

// FEWSTEP_PROGRAMS, where programs are installed, for those that are there (make wheel-test).
std::string folder_of_programs(const std::string& name) {
  const char* installed = std::getenv("FEWSTEP_PROGRAMS");
  const bool is_there = installed && std::filesystem::exists(std::filesystem::path(installed) / name);
  return is_there ? installed : FEWSTEP_BINARY_DIR;
}

}  // namespace

Finished run_program(const std::string& name, const std::vector<std::string>& arguments,
                     const std::function<void()>& before, const std::function<void(int pid)>& meanwhile) {
  const TemporaryFolder folder;
  const std::string program = folder_of_programs(name) + "/" + name;
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    redirect(folder.path() / "out", STDOUT_FILENO);
    redirect(folder.path() / "err", STDERR_FILENO);
    if (before) before();
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  if (meanwhile) meanwhile(child);
  int status = 0;
  ::waitpid(child, &status, 0);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(folder.path() / "out"),
          text_of(folder.path() / "err"), seconds};
}

}  // namespace fewstep
