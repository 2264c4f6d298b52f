#include "formats/safetensors.h"

#include "core/error.h"
#include "core/files.h"
#include "formats/safetensors_bytes.h"
#include "models/checkpoint_files.h"
#include "temporary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace fewstep {
namespace {

using std::string;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(FEWSTEP_TEST_DATA) / "safetensors";

// Opens a file of this header and data under a fixed name.
SafetensorsFile open_bytes(const TemporaryFolder& folder, const string& bytes) {
  return SafetensorsFile::open(folder.write("model.safetensors", bytes));
}

#define EXPECT_REFUSED(bytes, text) EXPECT_FEWSTEP_ERROR(open_bytes(TemporaryFolder(), bytes), ExitCode::kInput, text)

string one_tensor(const string& fields) { return "{\"a\":{" + fields + "}}"; }
const string kGoodFields = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";

TEST(Safetensors, ReadsWhatThePythonLibraryWrote) {
  const auto file = SafetensorsFile::open(kGolden / "all_dtypes.safetensors");
  ASSERT_EQ(file.tensors().size(), 13u) << "remake with: make golden";
  EXPECT_EQ(file.metadata(), (std::map<string, string>{{"format", "pt"}}));
  const auto& i64 = file.tensors().at("i64");
  EXPECT_EQ(i64.dtype, DType::kI64);
  EXPECT_EQ(i64.shape, std::vector<std::int64_t>{2});
  std::int64_t values[2];
  ASSERT_EQ(i64.data.size(), sizeof(values));
  std::memcpy(values, i64.data.data(), sizeof(values));
  EXPECT_EQ(values[0], -(std::int64_t{1} << 62));
  EXPECT_EQ(values[1], 3);
  EXPECT_TRUE(file.tensors().at("scalar").shape.empty());
  EXPECT_EQ(file.tensors().at("empty").shape, (std::vector<std::int64_t>{0, 4}));
  EXPECT_TRUE(file.tensors().contains("ünï \"quoted\""));
}

TEST(Safetensors, WritesTheSameBytesAsThePythonLibrary) {
  const TemporaryFolder folder;
  for (const char* name : {"all_dtypes.safetensors", "no_metadata.safetensors"}) {
    const auto file = SafetensorsFile::open(kGolden / name);
    write_safetensors(folder.path() / name, file.tensors(), file.metadata());
    EXPECT_EQ(read_file(folder.path() / name), read_file(kGolden / name)) << name << ", remake with: make golden";
  }
}

TEST(Safetensors, KeepsTheMappingAliveForThoseWhoHoldIt) {
  std::shared_ptr<const void> mapping;
  std::span<const std::byte> data;
  {
    const TemporaryFolder folder;
    const auto file = open_bytes(folder, safetensors_bytes(one_tensor(kGoodFields), "12345678"));
    mapping = file.mapping();
    data = file.tensors().at("a").data;
  }
  EXPECT_EQ(string(reinterpret_cast<const char*>(data.data()), data.size()), "12345678");
}

TEST(Safetensors, AcceptsAHeaderPaddedWithSpacesAndAnEmptyOne) {
  const TemporaryFolder folder;
  EXPECT_EQ(open_bytes(folder, safetensors_bytes(one_tensor(kGoodFields) + "   ", "12345678")).tensors().size(), 1u);
  EXPECT_EQ(open_bytes(folder, safetensors_bytes("{}", "")).tensors().size(), 0u);
}

TEST(Safetensors, RefusesAMissingFileAndAFolder) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(SafetensorsFile::open(folder.path() / "none.safetensors"), ExitCode::kInput,
                       "none.safetensors] expected a .safetensors file, got: No such file");
  EXPECT_FEWSTEP_ERROR(SafetensorsFile::open(folder.path()), ExitCode::kInput, "expected a regular file");
}

TEST(Safetensors, RefusesAFileThatIsTooShortOrTruncated) {
  EXPECT_REFUSED("", "expected at least 8 bytes, got 0");
  EXPECT_REFUSED("1234567", "expected at least 8 bytes, got 7");
  const string whole = read_file(kGolden / "all_dtypes.safetensors");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const TemporaryFolder folder;
    EXPECT_THROW(open_bytes(folder, whole.substr(0, size)), Error) << size;
  }
  EXPECT_REFUSED(whole.substr(0, 100), "it is truncated: copy it again");
  EXPECT_REFUSED(whole.substr(0, whole.size() - 1), "the file is truncated: copy it again");
  EXPECT_REFUSED(whole + "x", "longer than its header says");
}

TEST(Safetensors, RefusesAHeaderLengthThatLies) {
  const string header = one_tensor(kGoodFields);
  EXPECT_REFUSED(safetensors_bytes(header, "12345678", 100'000'001), "at most 100000000 bytes, got 100000001");
  EXPECT_REFUSED(safetensors_bytes(header, "12345678", ~0ull), "at most 100000000 bytes");
  EXPECT_REFUSED(safetensors_bytes(header, "12345678", 1ull << 63), "at most");
  EXPECT_REFUSED(safetensors_bytes(header, "12345678", header.size() + 9), "is truncated");
  EXPECT_REFUSED(safetensors_bytes(header, "12345678", header.size() + 8), "valid JSON");
  EXPECT_REFUSED(safetensors_bytes(header, "12345678", header.size() - 1), "valid JSON");
  EXPECT_REFUSED(safetensors_bytes("", ""), "begins with {");
}

TEST(Safetensors, RefusesAHeaderThatIsNotJsonOfTheRightForm) {
  const auto refused = [](const string& header, const string& text) {
    SCOPED_TRACE(header.substr(0, 200));
    EXPECT_REFUSED(safetensors_bytes(header, "12345678"), text);
  };
  refused(" " + one_tensor(kGoodFields), "begins with {");
  refused("[]", "begins with {");
  refused("{\"a\":1}", "got a number out of place");
  refused("{\"a\":null}", "got null out of place");
  refused("{\"a\":[]}", "got an array out of place");
  refused("{\"a\":{}}", "expected the key dtype");
  refused("{\"a\\u0000\xff\":{}}", "valid JSON");
  refused("{\"\xc3\x28\":{" + kGoodFields + "}}", "valid JSON");
  refused(one_tensor(kGoodFields) + string(1, '\0'), "NUL");
  refused(one_tensor(kGoodFields) + "}", "valid JSON");
  refused("{" + string(100'000, '['), "valid JSON");
  refused("{\"a\":{\"shape\":" + string(100'000, '['), "got an array out of place");
  refused("{\"a\":" + string(100'000, '{'), "valid JSON");
  refused(one_tensor(R"("dtype":{"x":{}},"shape":[2],"data_offsets":[0,8])"), "got an object out of place");
  refused(one_tensor(R"("dtype":1,"shape":[2],"data_offsets":[0,8])"), "got a number out of place");
  refused(one_tensor(R"("dtype":"F32","shape":"2","data_offsets":[0,8])"), "got a string out of place");
  refused(one_tensor(R"("dtype":"F32","shape":[2,true],"data_offsets":[0,8])"), "got a truth value");
  refused(one_tensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), "got the number -2");
  refused(one_tensor(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"), "got the number 2.0");
  refused(one_tensor(R"("dtype":"F32","shape":[2]])"), "valid JSON");
  refused(one_tensor(R"("dtype":"F32","shape":[2])"), "expected the key data_offsets");
  refused(one_tensor(R"("shape":[2],"data_offsets":[0,8])"), "expected the key dtype");
  refused(one_tensor(kGoodFields + R"(,"strides":[1])"), "got \"strides\"");
  refused("{\"__metadata__\":{\"a\":1}}", "got a number out of place");
  refused("{\"__metadata__\":{\"a\":{}}}", "got an object out of place");
  refused("{\"__metadata__\":\"a\"}", "got a string out of place");
}

TEST(Safetensors, RefusesADuplicateKeyAtEveryLevel) {
  EXPECT_REFUSED(safetensors_bytes("{\"a\":{" + kGoodFields + "},\"a\":{" + kGoodFields + "}}", "12345678"),
                 "got \"a\" twice");
  EXPECT_REFUSED(
      safetensors_bytes(one_tensor(R"("dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8])"), "12345678"),
      "got \"dtype\" twice");
  EXPECT_REFUSED(safetensors_bytes(R"({"__metadata__":{"k":"1","k":"1"}})", ""), "got \"k\" twice");
  EXPECT_REFUSED(safetensors_bytes(R"({"__metadata__":{},"__metadata__":{}})", ""), "got \"__metadata__\" twice");
}

TEST(Safetensors, RefusesAnUnknownDtypeAndNamesTheKnownOnes) {
  EXPECT_REFUSED(
      safetensors_bytes(one_tensor(R"("dtype":"F8_E8M0","shape":[8],"data_offsets":[0,8])"), "12345678"),
      "model.safetensors: \"a\"] expected a dtype of F64 F32 F16 BF16 F8_E4M3 F8_E5M2 I64 I32 I16 I8 U8 BOOL, got "
      "\"F8_E8M0\"");
}

TEST(Safetensors, RefusesOffsetsWithAHoleOrAnOverlapOrBeyondTheFile) {
  const auto two = [](const string& a, const string& b) {
    return "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" + a +
           "]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" + b + "]}}";
  };
  EXPECT_REFUSED(safetensors_bytes(two("0,4", "8,12"), "123456789012"), "without hole or overlap, from 4, got 8 to 12");
  EXPECT_REFUSED(safetensors_bytes(two("0,4", "2,6"), "12345678"), "without hole or overlap, from 4, got 2 to 6");
  EXPECT_REFUSED(safetensors_bytes(two("0,4", "0,4"), "1234"), "without hole or overlap");
  EXPECT_REFUSED(safetensors_bytes(two("4,8", "8,12"), "123456789012"), "without hole or overlap, from 0, got 4 to 8");
  EXPECT_REFUSED(safetensors_bytes(two("0,4", "4,0"), "12345678"), "without hole or overlap");
  EXPECT_REFUSED(safetensors_bytes(two("0,4", "4,9"), "123456789"), "expected 4 bytes for its shape and dtype, got 5");
  EXPECT_REFUSED(safetensors_bytes(two("0,4", "4,8"), "1234567"), "expected 8 bytes of tensor data, got 7");
  EXPECT_REFUSED(safetensors_bytes(two("0,4", "4,18446744073709551615"), "12345678"), "numbers below 2^63");
  EXPECT_REFUSED(safetensors_bytes(two("0,4", "4,99999999999999999999999"), "12345678"), "got the number 9999");
  EXPECT_REFUSED(safetensors_bytes(two("0,4", "4"), "12345678"), "expected two data_offsets, got 1");
  EXPECT_REFUSED(safetensors_bytes(two("0,4", "4,8,12"), "12345678"), "expected two data_offsets, got more");
  const TemporaryFolder folder;
  EXPECT_EQ(open_bytes(folder, safetensors_bytes(two("4,8", "0,4"), "12345678")).tensors().size(), 2u);
}

TEST(Safetensors, RefusesAShapeThatOverflowsEvenBesideAZero) {
  const auto shaped = [](const string& shape, const string& end) {
    return safetensors_bytes(one_tensor(R"("dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[0,)" + end + "]"),
                             string(std::stoul(end), 'x'));
  };
  EXPECT_REFUSED(shaped("3", "8"), "expected 12 bytes for its shape and dtype, got 8");
  EXPECT_REFUSED(shaped("4611686018427387904,4", "0"), "product overflows");
  EXPECT_REFUSED(shaped("0,4611686018427387904,4", "0"), "product overflows");
  EXPECT_REFUSED(shaped("4611686018427387904,4,0", "0"), "product overflows");
  EXPECT_REFUSED(shaped("4294967296,0,4294967296", "0"), "product overflows");
  string many = "1";
  for (int i = 0; i < 64; ++i) many += ",1";
  EXPECT_REFUSED(shaped(many, "4"), "at most 64 dimensions");
}

TEST(Safetensors, RefusesPicklesWithTheCommandThatConvertsThem) {
  const TemporaryFolder folder;
  const auto bin = folder.write("unet/diffusion_pytorch_model.bin", "PK\x03\x04");
  EXPECT_FEWSTEP_ERROR(SafetensorsFile::open(bin), ExitCode::kInput, "convert it:\n  python3 -c \"import torch");
  EXPECT_FEWSTEP_ERROR(SafetensorsFile::open(folder.path() / "unet/diffusion_pytorch_model.safetensors"),
                       ExitCode::kInput, "diffusion_pytorch_model.bin] expected .safetensors, got a pickle");
  EXPECT_FEWSTEP_ERROR(find_weights(folder.path() / "unet", "diffusion_pytorch_model"), ExitCode::kInput, "torch.load");
  folder.write("text_encoder/pytorch_model.bin", "PK\x03\x04");
  EXPECT_FEWSTEP_ERROR(find_weights(folder.path() / "text_encoder", "model"), ExitCode::kInput,
                       "/text_encoder/model.safetensors')");
  EXPECT_FEWSTEP_ERROR(SafetensorsFile::open(folder.write("v1-5.ckpt", "PK\x03\x04")), ExitCode::kInput,
                       "from_single_file");
  EXPECT_FEWSTEP_ERROR(SafetensorsFile::open(folder.write("renamed.safetensors", "PK\x03\x04 and more")),
                       ExitCode::kInput, "got a pickle");
  EXPECT_FEWSTEP_ERROR(SafetensorsFile::open(folder.path() / "missing.bin"), ExitCode::kInput, "no such file");
  EXPECT_FEWSTEP_ERROR(
      SafetensorsFile::open(folder.write("lfs.safetensors", "version https://git-lfs.github.com/spec/v1\n")),
      ExitCode::kInput, "git lfs pull");
}

TEST(Safetensors, FindsWholeShardedAndHalfPrecisionWeights) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(find_weights(folder.path(), "model"), ExitCode::kInput,
                       "expected model.safetensors or model.safetensors.index.json, got neither");
  folder.write("model.fp16.safetensors", "");
  EXPECT_EQ(find_weights(folder.path(), "model"), folder.path() / "model.fp16.safetensors");
  folder.write("model.safetensors.index.json", "");
  EXPECT_EQ(find_weights(folder.path(), "model"), folder.path() / "model.safetensors.index.json");
  folder.write("model.safetensors", "");
  EXPECT_EQ(find_weights(folder.path(), "model"), folder.path() / "model.safetensors");
}

TEST(Safetensors, MayHaveNoMetadata) {
  const TemporaryFolder folder;
  const auto path = folder.write("a.safetensors",
                                 safetensors_bytes("{\"__metadata__\":null,\"a\":{" + kGoodFields + "}}", "12345678"));
  const auto file = SafetensorsFile::open(path);
  EXPECT_EQ(file.tensors().size(), 1u);
  EXPECT_TRUE(file.metadata().empty());
  EXPECT_REFUSED(safetensors_bytes("{\"__metadata__\":{\"k\":null}}", ""), "null");
  EXPECT_REFUSED(safetensors_bytes("{\"a\":null}", ""), "null");
}

TEST(Safetensors, NamesTheVariantsWhereOnlyTheseAreThere) {
  const TemporaryFolder folder;
  folder.write("model.bf16.safetensors", "");
  folder.write("model.non_ema.safetensors", "");
  folder.write("other.safetensors", "");
  EXPECT_FEWSTEP_ERROR(find_weights(folder.path(), "model"), ExitCode::kInput,
                       "the variant model.bf16.safetensors, model.non_ema.safetensors:");
  folder.write("model.ema.safetensors.index.json", "");
  EXPECT_FEWSTEP_ERROR(find_weights(folder.path(), "model"), ExitCode::kInput, "model.ema.safetensors.index.json");
}

TEST(Safetensors, NamesTheTargetOfALinkToNothing) {
  const TemporaryFolder folder;
  fs::create_symlink("../blobs/5c5f", folder.path() / "model.safetensors");
  const auto file = find_weights(folder.path(), "model");
  EXPECT_EQ(file.filename(), "model.safetensors");
  EXPECT_FEWSTEP_ERROR(SafetensorsFile::open(file), ExitCode::kInput, "is a link to ../blobs/5c5f, where nothing is");
  folder.write("m.safetensors.index.json", R"({"weight_map":{"a":"m-1.safetensors"}})");
  fs::create_symlink("gone", folder.path() / "m-1.safetensors");
  EXPECT_FEWSTEP_ERROR(SafetensorsFile::open(folder.path() / "m.safetensors.index.json"), ExitCode::kInput,
                       "m-1.safetensors] is a link to gone");
}

class Shards : public testing::Test {
 protected:
  Shards() {
    const auto shard = [&](const string& file, const string& name, const string& data) {
      folder.write(file, safetensors_bytes("{\"" + name + "\":{" + kGoodFields + "}}", data));
    };
    shard("m-1.safetensors", "a", "aaaaaaaa");
    shard("m-2.safetensors", "b", "bbbbbbbb");
  }
  SafetensorsFile open(const string& index) const {
    return SafetensorsFile::open(folder.write("m.safetensors.index.json", index));
  }
  TemporaryFolder folder;
};

TEST_F(Shards, AreReadAsOneFile) {
  const auto file =
      open(R"({"metadata":{"total_size":16},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})");
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(std::to_integer<char>(file.tensors().at("a").data[7]), 'a');
  EXPECT_EQ(std::to_integer<char>(file.tensors().at("b").data[7]), 'b');
}

// The references load whole shards, and of a tensor in two of them the later.
TEST_F(Shards, AreReadWholeWhateverTheirIndexNames) {
  const auto two = [&](const string& file, const string& one, const string& other, const string& data) {
    const string end = ":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":";
    folder.write(file,
                 safetensors_bytes("{\"" + one + "\"" + end + "[0,8]},\"" + other + "\"" + end + "[8,16]}}", data));
  };
  two("m-3.safetensors", "c", "d", "ccccccccdddddddd");
  two("m-4.safetensors", "a", "e", "AAAAAAAAeeeeeeee");
  const auto first_of = [](const SafetensorsFile& file, const char* name) {
    return std::to_integer<char>(file.tensors().at(name).data[0]);
  };
  const auto short_index = open(R"({"weight_map":{"a":"m-1.safetensors","c":"m-3.safetensors"}})");
  ASSERT_EQ(short_index.tensors().size(), 3u);
  EXPECT_EQ(first_of(short_index, "d"), 'd');
  const auto swapped = open(R"({"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors"}})");
  EXPECT_EQ(first_of(swapped, "a"), 'a');
  EXPECT_EQ(first_of(swapped, "b"), 'b');
  const auto twice = open(R"({"weight_map":{"a":"m-1.safetensors","e":"m-4.safetensors"}})");
  EXPECT_EQ(first_of(twice, "a"), 'A');
}

TEST_F(Shards, AreRefusedWhereIndexAndShardsDisagree) {
  const auto refused = [&](const string& map, const string& text) {
    SCOPED_TRACE(map);
    EXPECT_FEWSTEP_ERROR(open("{\"weight_map\":" + map + "}"), ExitCode::kInput, text);
  };
  refused(R"({"a":"m-1.safetensors","b":"m-3.safetensors"})", "expected the shard \"m-3.safetensors\" beside it");
  refused(R"({"a":"m-1.safetensors","b":"m-1.safetensors"})", "expected the tensor \"b\" in shard \"m-1.safetensors\"");
  refused(R"({"a":"m-1.safetensors","c":"m-2.safetensors"})", "expected the tensor \"c\" in shard");
  refused(R"({"a":"../m-1.safetensors"})", "the name of a file beside the index");
  refused(R"({"a":"/etc/passwd"})", "the name of a file beside the index");
  refused(R"({"a":".."})", "the name of a file beside the index");
  refused(R"({"a":""})", "the name of a file beside the index");
  refused(R"({"a":"m-1.safetensors\u0000x"})", "the name of a file beside the index");
  refused(R"({"a":1})", "expected a file name, got number");
  refused(R"({"a":"m-1.safetensors","a":"m-2.safetensors"})", "got \"a\" twice");
  refused("{}", "at least one tensor");
  refused("[]", "expected an object weight_map");
  EXPECT_FEWSTEP_ERROR(open("{"), ExitCode::kInput, "at line 1");
  EXPECT_FEWSTEP_ERROR(open("{}"), ExitCode::kInput, "expected an object weight_map");
}

TEST(Safetensors, WriterRefusesBytesThatDoNotFitTheShapeAndLeavesNothingBehind) {
  const TemporaryFolder folder;
  const auto wrong = [&] {
    write_safetensors(folder.path() / "x.safetensors", {{"a", TensorView{DType::kF32, {2}, {}}}});
  };
  EXPECT_FEWSTEP_ERROR(wrong(), ExitCode::kInput, "expected 8 bytes for \"a\", got 0");
  EXPECT_TRUE(fs::is_empty(folder.path()));
  EXPECT_FEWSTEP_ERROR(write_safetensors(folder.path() / "none/x.safetensors", {}), ExitCode::kEnvironment,
                       "cannot be written (create)");
}

// Reads every byte of every tensor, so that a wrong span would be seen by the sanitizer or the kernel.
std::uint64_t sum_of(const SafetensorsFile& file) {
  std::uint64_t sum = 0;
  for (const auto& [name, view] : file.tensors()) {
    for (const std::byte byte : view.data) sum += std::to_integer<std::uint64_t>(byte);
  }
  return sum;
}

TEST(Safetensors, SurvivesThousandsOfMutations) {
  const TemporaryFolder folder;
  const string whole = read_file(kGolden / "all_dtypes.safetensors");
  std::mt19937_64 random(7);
  int opened = 0, refused = 0;
  std::uint64_t sum = 0;
  for (int i = 0; i < 4000; ++i) {
    string bytes = whole;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int change = 0; change < changes; ++change) {
      const auto at = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
          break;
        case 1:
          bytes[at] = static_cast<char>(random());
          break;
        case 2:
          bytes.erase(at, random() % 16);
          break;
        default:
          bytes.resize(1 + at);
          break;
      }
    }
    try {
      sum += sum_of(open_bytes(folder, bytes));
      ++opened;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInput) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(opened, 50) << sum;
  EXPECT_GT(refused, 2000);
}

}  // namespace
}  // namespace fewstep
