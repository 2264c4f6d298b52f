// Layers at SD 1.5's shapes, on packed weights and by ATen alone; the tokenizer on real captions.
#include "models/layers.h"
#include "models/tokenizer/tokenizer.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <benchmark/benchmark.h>
#include <c10/core/InferenceMode.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace fewstep {
namespace {

at::TensorOptions dtype_of(const benchmark::State& state) { return state.range(0) == 0 ? at::kFloat : at::kBFloat16; }

Tensor image(std::int64_t channels, std::int64_t size, const at::TensorOptions& options) {
  return at::randn({1, channels, size, size}, at::kFloat)
      .to(options.dtype())
      .contiguous(at::MemoryFormat::ChannelsLast);
}

// Args: dtype (0 float32, 1 bfloat16), input channels, output channels, height and width.
void convolution(benchmark::State& state, bool packed) {
  const c10::InferenceMode inference;
  const auto options = dtype_of(state);
  const Tensor x = image(state.range(1), state.range(3), options);
  const Tensor weight = (at::randn({state.range(2), state.range(1), 3, 3}) * 0.01).to(options.dtype());
  const Tensor bias = at::zeros({state.range(2)}, options);
  const Conv2d layer = make_conv(weight, bias, {.stride = 1, .padding = 1});
  conv2d(layer, x);  // packs
  for (auto _ : state) {
    const Tensor out = packed ? conv2d(layer, x) : at::conv2d(x, weight, bias, 1, 1);
    benchmark::DoNotOptimize(out.const_data_ptr());
  }
}

// Args: dtype, rows, in, out.
void projection(benchmark::State& state, bool packed) {
  const c10::InferenceMode inference;
  const auto options = dtype_of(state);
  const Tensor x = at::randn({1, state.range(1), state.range(2)}).to(options.dtype());
  const Tensor weight = (at::randn({state.range(3), state.range(2)}) * 0.01).to(options.dtype());
  const Tensor bias = at::zeros({state.range(3)}, options);
  const Linear layer = make_linear(weight, bias);
  linear(layer, x);  // packs
  for (auto _ : state) {
    const Tensor out = packed ? linear(layer, x) : at::linear(x, weight, bias);
    benchmark::DoNotOptimize(out.const_data_ptr());
  }
}

// Args: dtype, channels, height and width.
void norm_silu(benchmark::State& state, bool fused) {
  const c10::InferenceMode inference;
  const auto options = dtype_of(state);
  const Tensor x = image(state.range(1), state.range(2), options);
  const Norm layer{at::ones({state.range(1)}, options), at::zeros({state.range(1)}, options), 1e-5, 32};
  for (auto _ : state) {
    const Tensor out = fused ? group_norm_silu(layer, x)
                             : at::silu(at::group_norm(x, layer.groups, layer.weight, layer.bias, layer.eps));
    benchmark::DoNotOptimize(out.const_data_ptr());
  }
}

void convolution_shapes(benchmark::internal::Benchmark* b) {
  for (const int dtype : {0, 1})
    b->Args({dtype, 320, 320, 64})->Args({dtype, 2560, 1280, 16})->Args({dtype, 1280, 1280, 8});
  b->ArgNames({"bf16", "in", "out", "size"})->Unit(benchmark::kMillisecond)->UseRealTime();
}
void projection_shapes(benchmark::internal::Benchmark* b) {
  for (const int dtype : {0, 1}) b->Args({dtype, 4096, 320, 2560})->Args({dtype, 64, 1280, 10240});
  b->ArgNames({"bf16", "rows", "in", "out"})->Unit(benchmark::kMillisecond)->UseRealTime();
}
void norm_shapes(benchmark::internal::Benchmark* b) {
  for (const int dtype : {0, 1}) b->Args({dtype, 320, 64})->Args({dtype, 128, 512});
  b->ArgNames({"bf16", "channels", "size"})->Unit(benchmark::kMillisecond)->UseRealTime();
}
BENCHMARK_CAPTURE(convolution, packed, true)->Apply(convolution_shapes);
BENCHMARK_CAPTURE(convolution, aten, false)->Apply(convolution_shapes);
BENCHMARK_CAPTURE(projection, packed, true)->Apply(projection_shapes);
BENCHMARK_CAPTURE(projection, aten, false)->Apply(projection_shapes);
BENCHMARK_CAPTURE(norm_silu, fused, true)->Apply(norm_shapes);
BENCHMARK_CAPTURE(norm_silu, aten, false)->Apply(norm_shapes);

void tokenize(benchmark::State& state) {
  const std::filesystem::path golden = FEWSTEP_TEST_DATA;
  const Tokenizer tokenizer = Tokenizer::open(golden / "tokenizer" / "sd15");
  std::ifstream file(golden / "prompts" / "coco2014_captions.tsv");
  std::vector<std::string> captions;
  for (std::string line; std::getline(file, line);) captions.push_back(line.substr(line.rfind('\t') + 1));
  for (auto _ : state) {
    for (const auto& caption : captions) benchmark::DoNotOptimize(tokenizer.encode(caption));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(captions.size()));
}
BENCHMARK(tokenize)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace fewstep
