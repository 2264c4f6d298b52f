// One network as a server, for live comparisons in value and in time with the Python packages.
// usage: fewstep_forward unet|vae-decode FOLDER DTYPE [DEVICE] [--operators], or fewstep_forward frechet - float32
// Each input line "IN OUT" names safetensors files (frechet: two .npz of statistics); the answer is the milliseconds of
// the forward alone. Inputs by name: unet x, time, context[, omega_embedding]; vae-decode latents. Output: tensor
// "out", float32. --operators: where the time goes, on standard error.
#include "benchmarks/operator_times.h"
#include "core/device.h"
#include "core/error.h"
#include "core/tensor.h"
#include "metrics/frechet.h"
#include "metrics/statistics_file.h"
#include "models/unet.h"
#include "models/vae.h"
#include "models/weights.h"

#include <c10/core/InferenceMode.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <string>

namespace {

using fewstep::Tensor;
using Inputs = std::map<std::string, Tensor>;

double milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::function<Tensor(const Inputs&)> open_network(const std::string& kind, const std::string& folder,
                                                  const fewstep::Compute& compute) {
  if (kind == "unet") {
    return [unet = fewstep::load_unet(folder, compute)](const Inputs& in) {
      const auto omega = in.find("omega_embedding");
      return fewstep::forward(unet, in.at("x"), in.at("time"), in.at("context"),
                              omega == in.end() ? Tensor() : omega->second);
    };
  }
  if (kind == "vae-decode") {
    return
        [vae = fewstep::load_vae(folder, compute)](const Inputs& in) { return fewstep::decode(vae, in.at("latents")); };
  }
  throw fewstep::usage_error("fewstep_forward", "expected unet, vae-decode or frechet, got " + kind);
}

double distance_ms(const std::string& first, const std::string& second) {
  const auto a = fewstep::read_statistics(first), b = fewstep::read_statistics(second);
  return milliseconds([&] { fewstep::frechet_distance(a.gaussian, b.gaussian); });
}

}  // namespace

int main(int argc, char** argv) try {
  fewstep::keep_freed_memory();
  const bool operators = argc > 4 && std::string(argv[argc - 1]) == "--operators";
  const int given = argc - operators;
  if (given < 4 || given > 5)
    throw fewstep::usage_error("fewstep_forward", "expected KIND FOLDER DTYPE [DEVICE] [--operators]");
  if (operators) fewstep::count_operator_times();
  const std::string kind = argv[1];
  const c10::InferenceMode inference;
  const fewstep::Compute compute{fewstep::parse_device(given == 5 ? argv[4] : "cpu"), fewstep::parse_dtype(argv[3])};
  const auto network = kind == "frechet" ? nullptr : open_network(kind, argv[2], compute);
  std::string in, out;
  while (std::cin >> in >> out) {
    double ms = 0;
    if (network) {
      auto inputs = fewstep::load_tensors(in);
      for (auto& [name, tensor] : inputs) {
        if (name != "time" && tensor.is_floating_point()) tensor = tensor.to(compute.device, compute.dtype);
      }
      Tensor result;
      ms = milliseconds([&] {
        result = network(inputs);
        fewstep::synchronize(compute.device);
      });
      if (operators) fewstep::print_operator_times(std::cerr);
      fewstep::save_tensors(out, {{"out", result}}, at::kFloat);
    } else {
      ms = distance_ms(in, out);
    }
    std::cout << ms << std::endl;
  }
  return 0;
} catch (const fewstep::Error& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.code());
}
