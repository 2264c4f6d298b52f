#pragma once
#include <array>
#include <compare>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// A point on the noise schedule: x = alpha·x0 + sigma·eps. time is the training timestep, 0..999, fractions allowed.
struct NoiseLevel {
  double time = 0, alpha = 1, sigma = 0;
  bool operator==(const NoiseLevel&) const = default;
};

// Half-logSNR λ = log(alpha/sigma); +inf at sigma = 0.
double lambda(const NoiseLevel& level);

// ᾱ_t of a discrete-time variance-preserving schedule, t = 0..num_train_timesteps−1.
struct Schedule {
  std::vector<double> alpha_bar;
};

// beta_schedule: "scaled_linear" | "linear" | "squaredcos_cap_v2". The arithmetic is diffusers' (betas in float32,
// product in double, ᾱ rounded to float32), so that every ᾱ_t agrees with it to the last bit. zero_terminal_snr: as
// rescale_betas_zero_snr (Lin et al. 2024, algorithm 1), the last ᾱ is 0.
// Throws Error (kInput) for another name or values outside 0 < beta_start <= beta_end < 1.
Schedule make_schedule(std::string_view beta_schedule, double beta_start, double beta_end, int num_train_timesteps,
                       bool zero_terminal_snr = false);

// Level at an integer or fractional time (log ᾱ interpolated linearly between the neighbours).
NoiseLevel level_at(const Schedule& schedule, double time);

// The level itself, or where its alpha is 0 that of ᾱ = 2⁻²⁴, like diffusers' DPM-Solver: λ is finite.
NoiseLevel with_finite_lambda(const NoiseLevel& level);

enum class Spacing { kTrailing, kLeading, kLinspace, kLcm, kLcmOriginal };
enum class FinalSigma { kZero, kMin };
// diffusers' DDIM and DPM-Solver schedulers place leading and linspace times differently: the DPM grids have N+1
// points of which the last is dropped. On trailing both agree.
enum class GridFamily { kDdim, kDpm };

// The names as users write them.
inline constexpr std::array<std::string_view, 5> kSpacings{"trailing", "leading", "linspace", "lcm", "lcm-original"};
inline constexpr std::array<std::string_view, 2> kFinalSigmas{"zero", "min"};
constexpr std::string_view name_of(Spacing spacing) { return kSpacings[static_cast<std::size_t>(spacing)]; }
constexpr std::string_view name_of(FinalSigma sigma) { return kFinalSigmas[static_cast<std::size_t>(sigma)]; }
// Throw Error (kUsage) for another name.
Spacing parse_spacing(std::string_view name);
FinalSigma parse_final_sigma(std::string_view name);
// Whether consistency samplers alone take a spacing.
constexpr bool is_lcm(Spacing spacing) { return spacing == Spacing::kLcm || spacing == Spacing::kLcmOriginal; }

// Which times a grid has: those of a spacing, or given ones.
struct GridSpec {
  Spacing spacing = Spacing::kTrailing;
  int original_inference_steps = 0;  // lcm and lcm-original only: points of the grid that times are taken from; 0: 50
  std::vector<int> times = {};       // given ones, strictly falling; empty: those of the spacing
  auto operator<=>(const GridSpec&) const = default;
};
// Its word where spacings are named: "trailing", "lcm", "times:999-749-499-249" (no commas: they part values of
// --only). parse_grid_word reads it; nothing for any other text.
std::string grid_word(const GridSpec& grid);
std::optional<GridSpec> parse_grid_word(std::string_view word);
// Throws Error (kUsage), naming the value, where times are not as many as the steps, strictly falling and in 0..last.
void check_times(std::string_view where, std::span<const int> times, int steps, int last = 999);

struct GridOptions {
  int steps = 4;
  GridSpec grid = {};
  FinalSigma final_sigma = FinalSigma::kZero;
  GridFamily family = GridFamily::kDdim;
  int steps_offset = 1;  // leading only
  bool operator==(const GridOptions&) const = default;
};

// The N+1 levels of an N-step run: N evaluation times, falling, then the final level (alpha 1, sigma 0 for zero;
// the level of t = 0 for min). Throws Error (kUsage) for steps the grid cannot give.
std::vector<NoiseLevel> make_grid(const Schedule& schedule, const GridOptions& options);

}  // namespace fewstep
