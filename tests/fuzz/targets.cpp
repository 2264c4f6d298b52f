#include "fuzz/targets.h"

#include "core/error.h"
#include "core/files.h"
#include "core/shard.h"
#include "core/warnings.h"
#include "datasets/captions.h"
#include "formats/json.h"
#include "formats/npy.h"
#include "formats/safetensors.h"
#include "formats/tar_index.h"
#include "images/files.h"
#include "images/png_size.h"
#include "metrics/statistics_file.h"
#include "models/tokenizer/tokenizer.h"
#include "settings/experiment.h"
#include "settings/recipe.h"
#include "verdicts/gate.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

const Path kSource = FEWSTEP_SOURCE_DIR;

// For parsers that take a path: one file of this process, which each input overwrites.
Path file_of(std::string_view bytes, const std::string& ending) {
  const Path file = std::filesystem::temp_directory_path() / ("fewstep-fuzz-" + std::to_string(::getpid()) + ending);
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  return file;
}

template <int kEnding>
void captions(std::string_view bytes) {
  constexpr std::array kEndings{".csv", ".tsv", ".jsonl", ".txt"};
  read_prompts({.file = file_of(bytes, kEndings[kEnding])});
}

void npy(std::string_view bytes) {
  const NpyHeader header = read_npy_header(bytes, 1 << 20, "fuzz");
  npy_doubles(header, bytes, "fuzz");
}

void tokens(std::string_view bytes) {
  static const Tokenizer tokenizer = Tokenizer::open(kSource / "tests/golden/metrics/clip-tiny");
  tokenizer.encode(bytes);
}

// A tokenizer's folder with one file of these bytes.
template <int kFile>
void tokenizer_file(std::string_view bytes) {
  static constexpr std::array kFiles{"vocab.json", "merges.txt", "tokenizer_config.json"};
  static const Path folder = [] {
    const Path made = std::filesystem::temp_directory_path() /
                      ("fewstep-fuzz-tokenizer-" + std::to_string(::getpid()) + kFiles[kFile]);
    std::filesystem::create_directories(made);
    for (const char* name : {"vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"})
      std::filesystem::copy_file(kSource / "tests/golden/metrics/clip-tiny" / name, made / name,
                                 std::filesystem::copy_options::overwrite_existing);
    return made;
  }();
  std::ofstream(folder / kFiles[kFile], std::ios::binary | std::ios::trunc) << bytes;
  Tokenizer::open(folder).encode("a red circle");
}

constexpr std::array<FuzzTarget, 19> kTargets{{
    {"safetensors", [](std::string_view bytes) { SafetensorsFile::open(file_of(bytes, ".safetensors")); },
     "tests/golden/safetensors", ".safetensors"},
    {"npy", npy, "tests/fuzz/corpus/npy", ""},
    {"statistics", [](std::string_view bytes) { read_statistics(file_of(bytes, ".npz")); }, "tests/golden/metrics/npz",
     ".npz"},
    {"tar", [](std::string_view bytes) { index_tar(file_of(bytes, ".tar")); }, "tests/fuzz/corpus/tar", ""},
    {"json", [](std::string_view bytes) { parse_json_object(bytes, "fuzz"); }, "tests/golden/checkpoints/lcm", ".json"},
    {"image", [](std::string_view bytes) { decode_image(std::string(bytes), "fuzz", 1 << 20); },
     "tests/golden/images/files", ""},
    {"png-size", [](std::string_view bytes) { png_size(bytes); }, "tests/golden/images/files", ".png"},
    {"captions-csv", captions<0>, "tests/golden/datasets/tables", ".csv"},
    {"captions-tsv", captions<1>, "tests/golden/datasets/tables", ".tsv"},
    {"captions-jsonl", captions<2>, "tests/golden/datasets/captions", ".jsonl"},
    {"captions-txt", captions<3>, "tests/golden/datasets/captions", ".txt"},
    {"tokens", tokens, "tests/golden/datasets/captions", ".txt"},
    {"vocabulary", tokenizer_file<0>, "tests/golden/metrics/clip-tiny/vocab.json", ""},
    {"merges", tokenizer_file<1>, "tests/golden/metrics/clip-tiny/merges.txt", ""},
    {"tokenizer-config", tokenizer_file<2>, "tests/golden/metrics/clip-tiny/tokenizer_config.json", ""},
    {"experiment", [](std::string_view bytes) { read_experiment(file_of(bytes, ".toml")); }, "experiments", ".toml"},
    {"recipe", [](std::string_view bytes) { read_recipe(file_of(bytes, ".toml")); }, "pocket/recipes", ".toml"},
    {"gate", [](std::string_view bytes) { read_gate(file_of(bytes, ".toml")); }, "experiments/regression", ".toml"},
    {"shard", [](std::string_view bytes) { parse_shard(bytes); }, "tests/fuzz/corpus/shard", ""},
}};

void add_files(const Path& place, std::string_view ending, std::vector<Path>& files) {
  if (std::filesystem::is_regular_file(place)) files.push_back(place);
  if (!std::filesystem::is_directory(place)) return;
  for (const auto& entry : std::filesystem::directory_iterator(place))
    if (entry.is_regular_file() && (ending.empty() || entry.path().extension() == ending))
      files.push_back(entry.path());
}

}  // namespace

std::span<const FuzzTarget> fuzz_targets() { return kTargets; }

std::vector<Path> seeds_of(const FuzzTarget& target) {
  std::vector<Path> files;
  add_files(kSource / target.seeds, target.ending, files);
  add_files(kSource / "tests/fuzz/corpus" / target.name, "", files);
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

void run_target(const FuzzTarget& target, std::string_view bytes) {
  std::ostream* const before = send_warnings_to(nullptr);
  try {
    target.run(bytes);
  } catch (const Error&) {
  }
  send_warnings_to(before);
}

}  // namespace fewstep
