#include "models/weights.h"

#include "core/error.h"
#include "core/files.h"
#include "formats/safetensors_bytes.h"
#include "temporary.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

namespace fewstep {
namespace {

using std::string;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(FEWSTEP_TEST_DATA) / "safetensors/all_dtypes.safetensors";
const string kHeader = R"({"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}})";

// Bytes of this process that no file backs, from /proc/self/smaps_rollup. (Private_Dirty also counts pages of a mapped
// file that are not on the disk yet.)
std::int64_t private_bytes() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  std::int64_t kilobytes = 0;
  for (string line; std::getline(rollup, line);) {
    if (line.starts_with("Anonymous:")) kilobytes += std::stoll(line.substr(10));
  }
  return kilobytes * 1024;
}

// A file of one tensor "w" of this dtype and so many elements, all zero, sparse on disk.
fs::path sparse_file(const TemporaryFolder& folder, const string& dtype, std::int64_t elements, std::int64_t bytes) {
  string header = "{\"w\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + std::to_string(elements) +
                  "],\"data_offsets\":[0," + std::to_string(bytes) + "]}}";
  header.append((8 - header.size() % 8) % 8, ' ');
  const auto path = folder.write("big.safetensors", safetensors_bytes(header, ""));
  fs::resize_file(path, fs::file_size(path) + static_cast<std::uintmax_t>(bytes));
  return path;
}

TEST(Weights, HoldTheValuesThatPythonWrote) {
  const auto tensors = load_tensors(kGolden);
  ASSERT_EQ(tensors.size(), 13u) << "remake with: make golden";
  EXPECT_EQ(tensors.at("scalar").item<float>(), 1.5f);
  EXPECT_EQ(tensors.at("i32").sizes(), (at::IntArrayRef{2, 2}));
  EXPECT_EQ(tensors.at("i32")[1][1].item<int>(), -4);
  EXPECT_EQ(tensors.at("i16")[0].item<int>(), -300);
  EXPECT_EQ(tensors.at("i64")[0].item<std::int64_t>(), -(std::int64_t{1} << 62));
  EXPECT_EQ(tensors.at("u8")[0].item<int>(), 255);
  EXPECT_EQ(tensors.at("i8")[0].item<int>(), -7);
  EXPECT_FALSE(tensors.at("bool")[1].item<bool>());
  EXPECT_EQ(tensors.at("f16").scalar_type(), at::kHalf);
  EXPECT_EQ(tensors.at("bf16").scalar_type(), at::kBFloat16);
  EXPECT_EQ(tensors.at("f64").scalar_type(), at::kDouble);
  EXPECT_EQ(tensors.at("empty").sizes(), (at::IntArrayRef{0, 4}));
  EXPECT_EQ(tensors.at("ünï \"quoted\"")[3].item<float>(), 3.0f);
}

TEST(Weights, ConvertFloatsToTheAskedDtype) {
  auto weights = Weights::open(kGolden, Compute{at::kCPU, at::kBFloat16});
  EXPECT_EQ(weights.take("f16", {5}).scalar_type(), at::kBFloat16);
  EXPECT_EQ(weights.take("f64", {2, 3}).scalar_type(), at::kBFloat16);
}

TEST(Weights, RoundTripThroughAFile) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  const Tensor matrix = at::arange(6, at::kFloat).reshape({2, 3});
  save_tensors(path, {{"plain", matrix}, {"transposed", matrix.t()}, {"ids", at::arange(3)}}, {}, {{"format", "pt"}});
  const auto tensors = load_tensors(path);
  EXPECT_TRUE(at::equal(tensors.at("plain"), matrix));
  EXPECT_TRUE(at::equal(tensors.at("transposed"), matrix.t()));
  save_tensors(path, {{"plain", matrix}, {"ids", at::arange(3)}}, at::kHalf);
  EXPECT_EQ(load_tensors(path).at("plain").scalar_type(), at::kHalf);
  EXPECT_EQ(load_tensors(path).at("ids").scalar_type(), at::kLong);
  EXPECT_FEWSTEP_ERROR(save_tensors(path, {{"c", at::zeros({1}, at::kComplexFloat)}}), ExitCode::kInput,
                       "ComplexFloat");
}

TEST(Weights, SaveTheSameBytesAsThePythonLibrary) {
  const TemporaryFolder folder;
  save_tensors(folder.path() / "x.safetensors", load_tensors(kGolden), {}, {{"format", "pt"}});
  EXPECT_EQ(read_file(folder.path() / "x.safetensors"), read_file(kGolden)) << "remake with: make golden";
}

TEST(Weights, OfAMisalignedFileAreCopiedToAlignedMemory) {
  const TemporaryFolder folder;
  string data(16, '\0');
  data[3] = 0x40;  // 2.0f
  for (const char* padding : {"", " ", "  ", "   "}) {
    const auto path = folder.write("x.safetensors", safetensors_bytes(kHeader + padding, data));
    const Tensor w = Weights::open(path, {}).take("w", {2, 2});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(w.const_data_ptr()) % alignof(float), 0u);
    EXPECT_EQ(w[0][0].item<float>(), 2.0f);
  }
}

TEST(Weights, ChangedInPlaceDoNotChangeTheFile) {
  const TemporaryFolder folder;
  const auto path = folder.write("x.safetensors", safetensors_bytes(kHeader, string(16, '\0')));
  const string before = read_file(path);
  Weights::open(path, {}).take("w", {2, 2}).fill_(1);
  EXPECT_EQ(read_file(path), before);
}

TEST(Weights, OfTheSameDtypeAreMappedWithoutACopy) {
  constexpr std::int64_t kBytes = 200 << 20;
  const TemporaryFolder folder;
  const auto path = sparse_file(folder, "F32", kBytes / 4, kBytes);
  at::ones({1000}).sum();  // the library's own first allocations
  const auto before = private_bytes();
  const Tensor w = Weights::open(path, {}).take("w", {kBytes / 4});
  EXPECT_EQ(w.sum().item<float>(), 0.0f);
  EXPECT_LT(private_bytes() - before, kBytes / 20);
}

TEST(Weights, OfAnotherDtypeNeedTheirOwnBytesOnce) {
  constexpr std::int64_t kElements = 50 << 20;
  const TemporaryFolder folder;
  const auto path = sparse_file(folder, "F16", kElements, 2 * kElements);
  at::ones({1000}).to(at::kHalf).to(at::kFloat).sum();
  const auto before = private_bytes();
  const Tensor w = Weights::open(path, {}).take("w", {kElements});
  EXPECT_EQ(w.sum().item<float>(), 0.0f);
  EXPECT_LT(private_bytes() - before, 4 * kElements * 11 / 10);
}

TEST(Weights, NameAMissingTensorAndTheNearestOneThatExists) {
  auto weights = Weights::of({{"conv_in.weight", at::zeros({1})}, {"mid.bias", at::zeros({1})}}, "unet.safetensors");
  EXPECT_FEWSTEP_ERROR(weights.take("conv_in.weigth", {2, 3}), ExitCode::kInput,
                       "[unet.safetensors] expected tensor \"conv_in.weigth\" of shape [2, 3], got none; the nearest "
                       "name is \"conv_in.weight\"");
  EXPECT_FALSE(weights.take_if_present("none", {1}).has_value());
}

TEST(Weights, NameTheExpectedAndTheFoundShape) {
  auto weights = Weights::of({{"w", at::zeros({2, 3})}}, "unet.safetensors");
  EXPECT_FEWSTEP_ERROR(weights.take("w", {3, 2}), ExitCode::kInput,
                       "expected tensor \"w\" of shape [3, 2], got [2, 3]");
  EXPECT_FEWSTEP_ERROR(weights.take_if_present("w", {6}), ExitCode::kInput, "of shape [6], got [2, 3]");
}

TEST(Weights, AreTakenOnce) {
  auto weights = Weights::of({{"w", at::zeros({1})}}, "x");
  EXPECT_TRUE(weights.has("w"));
  weights.take("w", {1});
  EXPECT_FALSE(weights.has("w"));
  EXPECT_FEWSTEP_ERROR(weights.take("w", {1}), ExitCode::kInput, "got none");
}

TEST(Weights, ListUpToFiveThatAreLeftOver) {
  std::map<string, Tensor> tensors{{"used", at::zeros({1})}, {"buffer", at::zeros({1})}};
  for (const char* name : {"t1", "t2", "t3", "t4", "t5", "t6"}) tensors.emplace(name, at::zeros({1, 2}));
  auto weights = Weights::of(tensors, "x.safetensors");
  weights.take("used", {1});
  weights.ignore("buffer");
  EXPECT_FEWSTEP_ERROR(weights.expect_all_taken(), ExitCode::kInput,
                       "got 6 left over: \"t1\" [1, 2], \"t2\" [1, 2], \"t3\" [1, 2], \"t4\" [1, 2], \"t5\" [1, 2], …");
  for (const char* name : {"t1", "t2", "t3", "t4", "t5"}) weights.ignore(name);
  EXPECT_FEWSTEP_ERROR(weights.expect_all_taken(), ExitCode::kInput, "got 1 left over: \"t6\" [1, 2];");
  weights.ignore("t6");
  EXPECT_NO_THROW(weights.expect_all_taken());
}

// Every value that eight bits can hold, as PyTorch widens it; a network of fp8 weights is one of these in float32.
TEST(Weights, OfEightBitFloatsAreWidened) {
  const TemporaryFolder folder;
  string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  const auto values_of = [&](const string& dtype) {
    const auto path = folder.write(
        dtype + ".safetensors",
        safetensors_bytes("{\"w\":{\"dtype\":\"" + dtype + "\",\"shape\":[256],\"data_offsets\":[0,256]}}", bytes));
    return Weights::open(path, {at::kCPU, at::kFloat}).take("w", {256});
  };
  const Tensor e4m3 = values_of("F8_E4M3"), e5m2 = values_of("F8_E5M2");
  EXPECT_EQ(e4m3[0x38].item<float>(), 1.0f);
  EXPECT_EQ(e4m3[0x7e].item<float>(), 448.0f);  // the largest
  EXPECT_TRUE(std::isnan(e4m3[0x7f].item<float>()));
  EXPECT_EQ(e4m3[0x81].item<float>(), -std::ldexp(1.0f, -9));  // the smallest, negative
  EXPECT_EQ(e5m2[0x3c].item<float>(), 1.0f);
  EXPECT_EQ(e5m2[0x7b].item<float>(), 57344.0f);
  EXPECT_TRUE(std::isinf(e5m2[0x7c].item<float>()));
}

TEST(Weights, OfIntegersAreRefusedByNameAndType) {
  const TemporaryFolder folder;
  for (const string type : {"I8", "U8", "I32", "BOOL"}) {
    const std::size_t size = type == "I32" ? 16 : 4;
    const auto path =
        folder.write(type + ".safetensors",
                     safetensors_bytes("{\"a.weight\":{\"dtype\":\"" + type +
                                           "\",\"shape\":[2,2],\"data_offsets\":[0," + std::to_string(size) + "]}}",
                                       string(size, '\1')));
    auto weights = Weights::open(path, {at::kCPU, at::kFloat});
    EXPECT_FEWSTEP_ERROR(weights.take("a.weight", {2, 2}), ExitCode::kInput,
                         "expected floating-point numbers in tensor \"a.weight\", got " + type);
  }
}

}  // namespace
}  // namespace fewstep
