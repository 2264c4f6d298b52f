#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// How much worse a candidate may be, and what else a comparison asks for.

// The name under which margins and results speak of milliseconds per image.
inline constexpr std::string_view kLatency = "latency";

struct Size {
  double value = 0;
  bool relative = false;  // a part of the baseline's value
  double of(double baseline) const;
};
std::string text_of(const Size& size);  // "0.2", "3 %"

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

// 0.2 of 100·cos for CLIP score, 5 % of the time, 3 % of the value of everything else.
Size default_margin(std::string_view metric);

// GATE.toml; docs/gate.md has its keys. Throws Error (kUsage) with line and column.
Gate read_gate(const std::filesystem::path& file);

}  // namespace fewstep
