#include "harness/run/again.h"

#include "core/error.h"
#include "core/messages.h"
#include "harness/generate/run_facts.h"
#include "harness/run/run.h"
#include "settings/run_options.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <ostream>
#include <vector>

namespace fewstep {
namespace {

RunRequest request_for(const RunAgain& run) {
  RunRequest request = request_of(run.table.facts, run.store);
  if (!run.only.empty()) request.only += (request.only.empty() ? "" : " ") + run.only;
  return request;
}

std::vector<std::string> arguments_of(const RunRequest& request) {
  std::vector<std::string> arguments{"fewstep-engine",       "run",         request.experiment.string(), "--store",
                                     request.store.string(), "--times-only"};
  for (std::string& word : run_arguments(request)) arguments.push_back(std::move(word));
  if (message_style() == MessageStyle::kQuiet) arguments.push_back("--quiet");
  if (message_style() == MessageStyle::kJson) arguments.insert(arguments.end(), {"--progress", "json"});
  return arguments;
}

// A new process, so that nothing of one measurement is left for the next: no warm memory, no clock of its own, another
// layout of addresses. Its table is not shown. Returns its exit code.
int run_process(const std::vector<std::string>& arguments) {
  std::vector<char*> words;
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw environment_error("--retime", std::string("no process can be started: ") + std::strerror(errno));
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) ::dup2(nowhere, STDOUT_FILENO);
    ::execv("/proc/self/exe", words.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw environment_error("--retime", std::string("a process is lost: ") + std::strerror(errno));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

bool retime(const RunAgain& a, const RunAgain& b, int processes, std::ostream& messages) {
  const auto first = arguments_of(request_for(a)), second = arguments_of(request_for(b));
  for (int i = 0; i < 2 * processes; ++i) {
    const bool baseline = i % 4 == 0 || i % 4 == 3;
    messages << "timing " << (baseline ? "baseline" : "candidate") << ", process " << i / 2 + 1 << " of " << processes
             << std::endl;
    const int code = run_process(baseline ? first : second);
    if (code == static_cast<int>(ExitCode::kInterrupted) || code > 128) return false;
    if (code != 0)
      throw environment_error("--retime", fmt::format("a process that times {} ended with exit code {}; see above",
                                                      (baseline ? a : b).store.string(), code));
  }
  return true;
}

std::filesystem::path run_under_another_seed(const RunAgain& run, std::ostream& messages) {
  RunRequest request = request_for(run);
  const auto config = nlohmann::json::parse(run.table.config_json, nullptr, false);
  if (!config.is_object() || !config.contains("seed") || !config["seed"].is_number_integer())
    throw input_error(run.store.string(), "expected a run with a seed, found none; the store is damaged");
  request.set.push_back(fmt::format("seed={}", (config["seed"].get<std::int64_t>() + 1) & 0x7fffffffffffffff));
  request.store = std::filesystem::path(run.store).replace_extension(".noise-floor.sqlite");
  request.inner.no_timing = true;
  messages << "noise floor: the baseline again, with " << request.set.back() << ", in " << request.store.string()
           << std::endl;
  const int code = run_experiment(
      request, [](Store&, std::int64_t) {}, messages, messages);
  if (code == static_cast<int>(ExitCode::kInterrupted)) return {};
  if (code != 0)
    throw Error(static_cast<ExitCode>(code), "--noise-floor",
                "the baseline under another seed did not finish; see above");
  return request.store;
}

}  // namespace fewstep
