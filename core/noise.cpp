#include "core/noise.h"

#include "core/error.h"
#include "core/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace fewstep {
namespace {

// torch.linspace in float32 as its vector kernels (AVX2, AVX-512) compute it: the first half counts from the start, the
// second from the end, with one rounding (fma). Two roundings change ᾱ in the last bit at 121 of 1000 times.
std::vector<float> linspace_float32(double start, double end, int steps) {
  const float first = static_cast<float>(start), last = static_cast<float>(end);
  const float step = steps > 1 ? (last - first) / static_cast<float>(steps - 1) : 0.0F;
  std::vector<float> values(static_cast<std::size_t>(steps));
  for (int i = 0; i < steps; ++i) {
    values[i] = i < steps / 2 ? std::fma(step, static_cast<float>(i), first)
                              : std::fma(-step, static_cast<float>(steps - i - 1), last);
  }
  return values;
}

std::vector<float> make_betas(std::string_view name, double beta_start, double beta_end, int count) {
  if (name == "linear") return linspace_float32(beta_start, beta_end, count);
  if (name == "scaled_linear") {
    auto betas = linspace_float32(std::sqrt(beta_start), std::sqrt(beta_end), count);
    for (float& beta : betas) beta *= beta;
    return betas;
  }
  if (name == "squaredcos_cap_v2") {
    const auto bar = [](double t) { return std::pow(std::cos((t + 0.008) / 1.008 * M_PI / 2), 2); };
    std::vector<float> betas;
    for (int i = 0; i < count; ++i) {
      betas.push_back(static_cast<float>(std::min(1 - bar((i + 1.0) / count) / bar(double(i) / count), 0.999)));
    }
    return betas;
  }
  throw input_error("beta_schedule", "expected scaled_linear, linear or squaredcos_cap_v2, got " + std::string(name));
}

constexpr double kLeastAlphaBar = 0x1p-24;

// torch.cumprod of float32 accumulates in double on a CPU.
std::vector<float> cumulative_product(std::span<const float> betas) {
  std::vector<float> products;
  double product = 1;
  for (const float beta : betas) products.push_back(static_cast<float>(product *= static_cast<double>(1.0F - beta)));
  return products;
}

// diffusers' rescale_zero_terminal_snr, each operation rounded to float32.
std::vector<float> rescale_to_zero_snr(std::span<const float> betas) {
  std::vector<float> root = cumulative_product(betas);
  for (float& one : root) one = std::sqrt(one);
  const float first = root.front(), last = root.back(), scale = first / (first - last);
  for (float& one : root) one = (one - last) * scale;
  for (float& one : root) one *= one;  // ᾱ
  std::vector<float> rescaled{1 - root.front()};
  for (std::size_t i = 1; i < root.size(); ++i) rescaled.push_back(1 - root[i] / root[i - 1]);
  return rescaled;
}

// Times of diffusers' DDIMScheduler and DPMSolverMultistepScheduler (set_timesteps).
std::vector<double> diffusion_times(int train, const GridOptions& options) {
  const int n = options.steps, points = options.family == GridFamily::kDpm ? n + 1 : n;
  // numpy.arange(train, 0, -train/n) adds multiples of its first difference: as it rounds, so do ties (n = 48).
  const double trailing_step = train - (train - double(train) / n);
  std::vector<double> times;
  for (int i = 0; i < n; ++i) {
    const int ascending = points - 1 - i;
    switch (options.grid.spacing) {
      case Spacing::kTrailing:
        times.push_back(std::nearbyint(train - i * trailing_step) - 1);
        break;
      case Spacing::kLeading:
        times.push_back(ascending * double(train / points) + options.steps_offset);
        break;
      default:
        times.push_back(points == 1 ? 0.0 : std::nearbyint((train - 1.0) / (points - 1) * ascending));
        break;
    }
  }
  return times;
}

std::vector<double> lcm_times(int train, const GridOptions& options) {
  const int given = options.grid.original_inference_steps, original = given == 0 ? 50 : given, n = options.steps;
  if (original < 1 || original > train) {
    throw usage_error("original_inference_steps", fmt::format("expected 1 to {}, got {}", train, original));
  }
  if (n > original) {
    throw usage_error("steps", fmt::format("expected at most original_inference_steps = {}, got {}", original, n));
  }
  const int k = train / original;
  std::vector<double> times;
  for (int i = 0; i < n; ++i) {
    // Index into the origin grid o_j = (original − j)·k − 1, which falls with j.
    const int j = options.grid.spacing == Spacing::kLcm ? static_cast<int>(std::floor(i * (double(original) / n)))
                                                        : i * (original / n);
    times.push_back(double(original - j) * k - 1);
  }
  return times;
}

std::vector<double> times_of(int train, const GridOptions& options) {
  if (!options.grid.times.empty()) {
    check_times("times", options.grid.times, options.steps, train - 1);
    return {options.grid.times.begin(), options.grid.times.end()};
  }
  return is_lcm(options.grid.spacing) ? lcm_times(train, options) : diffusion_times(train, options);
}

constexpr std::string_view kTimesWord = "times:";

}  // namespace

double lambda(const NoiseLevel& level) {
  return level.sigma == 0 ? std::numeric_limits<double>::infinity() : std::log(level.alpha) - std::log(level.sigma);
}

Schedule make_schedule(std::string_view beta_schedule, double beta_start, double beta_end, int num_train_timesteps,
                       bool zero_terminal_snr) {
  if (!(beta_start > 0 && beta_start <= beta_end && beta_end < 1)) {
    throw input_error("beta_start, beta_end",
                      fmt::format("expected 0 < beta_start <= beta_end < 1, got {} and {}", beta_start, beta_end));
  }
  if (num_train_timesteps < 2 || num_train_timesteps > 1'000'000) {
    throw input_error("num_train_timesteps", fmt::format("expected 2 to 1000000, got {}", num_train_timesteps));
  }
  auto betas = make_betas(beta_schedule, beta_start, beta_end, num_train_timesteps);
  if (zero_terminal_snr) betas = rescale_to_zero_snr(betas);
  const auto products = cumulative_product(betas);
  return {{products.begin(), products.end()}};
}

NoiseLevel level_at(const Schedule& schedule, double time) {
  const double last = static_cast<double>(schedule.alpha_bar.size()) - 1;
  if (!(time >= 0 && time <= last)) {
    throw usage_error("time", fmt::format("expected 0 to {}, got {}", last, time));
  }
  const auto below = static_cast<std::size_t>(time);
  const double fraction = time - static_cast<double>(below);
  double alpha_bar = schedule.alpha_bar[below];
  if (fraction > 0) {
    const double next = std::max(schedule.alpha_bar[below + 1], kLeastAlphaBar);
    alpha_bar = std::exp((1 - fraction) * std::log(alpha_bar) + fraction * std::log(next));
  }
  return {time, std::sqrt(alpha_bar), std::sqrt(1 - alpha_bar)};
}

NoiseLevel with_finite_lambda(const NoiseLevel& level) {
  if (level.alpha > 0) return level;
  return {level.time, std::sqrt(kLeastAlphaBar), std::sqrt(1 - kLeastAlphaBar)};
}

Spacing parse_spacing(std::string_view name) { return parse_name<Spacing>(kSpacings, name, "spacing"); }
FinalSigma parse_final_sigma(std::string_view name) {
  return parse_name<FinalSigma>(kFinalSigmas, name, "final_sigma");
}

std::string grid_word(const GridSpec& grid) {
  if (grid.times.empty()) return std::string(name_of(grid.spacing));
  return fmt::format("{}{}", kTimesWord, fmt::join(grid.times, "-"));
}

std::optional<GridSpec> parse_grid_word(std::string_view word) {
  GridSpec grid;
  const auto named = std::find(kSpacings.begin(), kSpacings.end(), word);
  if (named != kSpacings.end()) {
    grid.spacing = static_cast<Spacing>(named - kSpacings.begin());
    return grid;
  }
  if (!word.starts_with(kTimesWord)) return std::nullopt;
  const char *at = word.data() + kTimesWord.size(), *const end = word.data() + word.size();
  while (true) {
    const auto [rest, failure] = std::from_chars(at, end, grid.times.emplace_back());
    if (failure != std::errc() || grid.times.back() < 0) return std::nullopt;
    if (rest == end) return grid;
    if (*rest != '-') return std::nullopt;
    at = rest + 1;
  }
}

void check_times(std::string_view where, std::span<const int> times, int steps, int last) {
  if (times.size() != static_cast<std::size_t>(steps))
    throw usage_error(std::string(where), fmt::format("expected {} time{}, one for each step, got {}: {}", steps,
                                                      steps == 1 ? "" : "s", times.size(), fmt::join(times, ", ")));
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (times[i] < 0 || times[i] > last)
      throw usage_error(std::string(where), fmt::format("expected times from 0 to {}, got {}", last, times[i]));
    if (i > 0 && times[i] >= times[i - 1])
      throw usage_error(std::string(where),
                        fmt::format("expected times that fall, got {} after {}", times[i], times[i - 1]));
  }
}

std::vector<NoiseLevel> make_grid(const Schedule& schedule, const GridOptions& options) {
  const int train = static_cast<int>(schedule.alpha_bar.size());
  if (options.steps < 1 || options.steps > train) {
    throw usage_error("steps", fmt::format("expected 1 to {}, got {}", train, options.steps));
  }
  std::vector<NoiseLevel> levels;
  for (const double time : times_of(train, options)) {
    const NoiseLevel level = level_at(schedule, time);
    levels.push_back(options.family == GridFamily::kDpm ? with_finite_lambda(level) : level);
  }
  levels.push_back(options.final_sigma == FinalSigma::kZero ? NoiseLevel{} : level_at(schedule, 0));
  return levels;
}

}  // namespace fewstep
