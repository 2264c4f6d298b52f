#pragma once
#include "metrics/margin.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// How much worse a candidate may be, and what else a comparison asks for.

struct Margin {
  std::string metric;  // a name, NAME:PROTOCOL, or "latency"
  std::string cells;   // clauses as of --only; empty: all
  Size most_worse;
};

struct Allowance {
  std::string tripwire, cells;
  std::int64_t images = 0;  // of a cell's
};

struct Gate {
  double alpha = 0.05;
  std::string cells;                 // that count, as of --only; empty: all
  std::vector<std::string> metrics;  // that count; empty: all that both arms have
  std::vector<Margin> margins;       // over the defaults; of several that fit the last
  std::vector<Allowance> allowed;
  bool unequal_noise = false;
  bool asks_for_latency() const;
};

// GATE.toml; docs/gate.md has its keys. Throws Error (kUsage) with line and column.
Gate read_gate(const std::filesystem::path& file);

}  // namespace fewstep
