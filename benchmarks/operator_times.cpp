#include "benchmarks/operator_times.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iomanip>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fewstep {
namespace {

using Clock = std::chrono::steady_clock;

struct Call : at::ObserverContext {
  Clock::time_point start = Clock::now();
};
struct Sum {
  double ms = 0;
  std::int64_t calls = 0;
};

std::map<std::string, Sum> sums;
std::vector<double> inner;  // milliseconds of the operators inside each open one

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction&) {
  inner.push_back(0);
  return std::make_unique<Call>();
}

void end(const at::RecordFunction& function, at::ObserverContext* context) {
  const double ms = milliseconds_since(static_cast<Call*>(context)->start);
  Sum& sum = sums[function.name()];
  sum.ms += ms - inner.back();
  ++sum.calls;
  inner.pop_back();
  if (!inner.empty()) inner.back() += ms;
}

}  // namespace

void count_operator_times() {
  at::addThreadLocalCallback(at::RecordFunctionCallback(begin, end).scopes({at::RecordScope::FUNCTION}));
}

void print_operator_times(std::ostream& out) {
  std::vector<std::pair<std::string, Sum>> sorted(sums.begin(), sums.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second.ms > b.second.ms; });
  out << std::fixed << std::setprecision(1);
  for (const auto& [name, sum] : sorted)
    out << std::setw(10) << sum.ms << " ms " << std::setw(6) << sum.calls << " calls  " << name << "\n";
  sums.clear();
}

}  // namespace fewstep
