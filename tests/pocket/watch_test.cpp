// fewstep watch over a folder that fills while it runs.
#include "formats/safetensors.h"
#include "harness/program.h"
#include "harness/run/watched_folder.h"
#include "temporary.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace fewstep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
namespace fs = std::filesystem;

const fs::path kLcm = fs::path(FEWSTEP_SOURCE_DIR) / "pocket" / "lcm";

void copy_checkpoint(const fs::path& to) { fs::copy(kLcm, to, fs::copy_options::recursive); }

std::vector<std::string> names(const std::vector<WatchedCheckpoint>& checkpoints) {
  std::vector<std::string> all;
  for (const WatchedCheckpoint& one : checkpoints) all.push_back(one.name);
  return all;
}

// Each number of a float16 file, but for the smallest ones.
void halve(const fs::path& weights) {
  const auto file = SafetensorsFile::open(weights);
  std::map<std::string, std::vector<std::uint16_t>> numbers;
  std::map<std::string, TensorView> tensors = file.tensors();
  for (auto& [name, tensor] : tensors) {
    ASSERT_EQ(tensor.dtype, DType::kF16);
    std::vector<std::uint16_t>& halves = numbers[name];
    halves.resize(tensor.data.size() / sizeof(std::uint16_t));
    std::memcpy(halves.data(), tensor.data.data(), tensor.data.size());
    for (std::uint16_t& bits : halves)
      if ((bits & 0x7c00) > 0x0400) bits = static_cast<std::uint16_t>(bits - 0x0400);  // the exponent
    tensor.data = std::as_bytes(std::span(halves));
  }
  write_safetensors(weights, tensors, file.metadata());
}

TEST(WatchedFolder, WaitsForWhatIsHalfWritten) {
  const TemporaryFolder folder;
  copy_checkpoint(folder.path() / "step-100");
  const fs::path weights = folder.path() / "step-100/unet/diffusion_pytorch_model.safetensors";
  const auto size = fs::file_size(weights);
  fs::resize_file(weights, size / 2);
  WatchedFolder watched(folder.path(), 50ms);
  std::vector<WaitingCheckpoint> waiting;
  watched.look();
  std::this_thread::sleep_for(100ms);
  EXPECT_THAT(names(watched.look(&waiting)), IsEmpty()) << "cut short";
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].name, "step-100");
  EXPECT_THAT(waiting[0].wrong, testing::HasSubstr("diffusion_pytorch_model.safetensors")) << "it has rested";
  fs::copy_file(kLcm / "unet/diffusion_pytorch_model.safetensors", weights, fs::copy_options::overwrite_existing);
  EXPECT_THAT(names(watched.look()), IsEmpty()) << "it changed since the last look";
  std::this_thread::sleep_for(100ms);
  EXPECT_THAT(names(watched.look()), ElementsAre("step-100"));
  fs::remove(folder.path() / "step-100/vae/config.json");
  watched.look();
  std::this_thread::sleep_for(100ms);
  EXPECT_THAT(names(watched.look()), IsEmpty()) << "a part is missing";
  fs::create_directories(folder.path() / "training-state");
  std::ofstream(folder.path() / "training-state/optimizer.bin") << "x";
  watched.look();
  std::this_thread::sleep_for(100ms);
  waiting.clear();
  watched.look(&waiting);
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_THAT(waiting[1].wrong, testing::HasSubstr("model_index.json"));
  EXPECT_THROW(WatchedFolder(folder.path() / "none", 50ms).look(), std::exception);
}

TEST(WatchedFolder, WaitsForBytesWhoseSpaceIsReserved) {
  const TemporaryFolder folder;
  copy_checkpoint(folder.path() / "step-100");
  const fs::path weights = folder.path() / "step-100/unet/diffusion_pytorch_model.safetensors";
  const auto size = fs::file_size(weights);
  WatchedFolder watched(folder.path(), 50ms);
  std::vector<WaitingCheckpoint> waiting;
  const auto rested = [&] {
    watched.look();
    std::this_thread::sleep_for(100ms);
    waiting.clear();
    return names(watched.look(&waiting));
  };
  EXPECT_THAT(rested(), ElementsAre("step-100"));
  fs::resize_file(weights, size / 2);
  fs::resize_file(weights, size);  // a hole
  EXPECT_THAT(rested(), IsEmpty());
  EXPECT_THAT(waiting.at(0).wrong, HasSubstr("not written yet"));
  {
    std::fstream file(weights, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file << std::string(size - size / 2, '\0');  // the same bytes, written
  }
  EXPECT_THAT(rested(), IsEmpty());
  EXPECT_THAT(waiting.at(0).wrong, HasSubstr("is all zeros"));
  EXPECT_THAT(rested(), IsEmpty()) << "though nothing changed";
  fs::copy_file(kLcm / "unet/diffusion_pytorch_model.safetensors", weights, fs::copy_options::overwrite_existing);
  EXPECT_THAT(rested(), ElementsAre("step-100"));
}

TEST(WatchedFolder, ListsTheOldestFirstAndLeavesOthersAlone) {
  const TemporaryFolder folder;
  for (const char* name : {"b", "a, new", ".hidden"}) copy_checkpoint(folder.path() / name);
  for (const auto& file : fs::recursive_directory_iterator(folder.path() / "b"))
    fs::last_write_time(file.path(), fs::file_time_type::clock::now() - 24h);
  for (const auto& file : fs::recursive_directory_iterator(folder.path() / "a, new"))
    fs::last_write_time(file.path(), fs::file_time_type::clock::now() - 12h);
  fs::create_directories(folder.path() / "logs");
  WatchedFolder watched(folder.path(), 50ms);
  std::vector<WaitingCheckpoint> waiting;
  watched.look();
  EXPECT_THAT(names(watched.look(&waiting)), ElementsAre("b", "a--new"));
  EXPECT_THAT(waiting, IsEmpty()) << "an empty folder is not begun";
}

class PocketWatch : public testing::Test {
 protected:
  Finished watch(const std::vector<std::string>& options, const std::function<void(int)>& meanwhile = {}) {
    std::vector<std::string> arguments{"watch", drops(),      "--experiment", experiment(), "--store",
                                       store(), "--interval", "0.3",          "--device",   "cpu"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_program("fewstep", arguments, {}, meanwhile);
  }
  fs::path drops() const { return folder_.path() / "drops"; }
  std::string store() const { return (folder_.path() / "watch.sqlite").string(); }
  fs::path experiment() const {
    const std::string pocket = std::string(FEWSTEP_SOURCE_DIR) + "/pocket";
    return folder_.write("watch.toml",
                         "name = \"watch\"\nseed = 1\n[prompts]\nbuiltin = \"shapes\"\ncount = 32\n"
                         "[reference]\nstatistics = \"" +
                             pocket +
                             "/reference.npz\"\n"
                             "[[checkpoint]]\nname = \"student\"\npath = \"" +
                             pocket +
                             "/lcm\"\n"
                             "samplers = [\"lcm\"]\n[grid]\nsteps = [2]\nomega = [1.0]\n"
                             "[[metric]]\nname = \"fd-pocket\"\nmodel = \"" +
                             pocket +
                             "/features\"\n"
                             "[[metric]]\nname = \"clip-score\"\nmodel = \"" +
                             pocket +
                             "/clip\"\n"
                             "[images]\nheight = 32\nwidth = 32\n");
  }
  // A checkpoint of the same networks whose hash is another.
  void drop(const std::string& name) {
    fs::create_directories(drops());
    copy_checkpoint(drops() / name);
    std::ofstream(drops() / name / "scheduler/scheduler_config.json", std::ios::app) << std::string(++dropped_, '\n');
  }

  TemporaryFolder folder_;
  std::size_t dropped_ = 0;
};

TEST_F(PocketWatch, ScoresTheBaselineThenTheNewestAndGoesOnAfterAKill) {
  for (const char* name : {"step-100", "step-200", "step-300"}) {
    drop(name);
    std::this_thread::sleep_for(30ms);
  }
  const Finished killed = watch({}, [&](int pid) {
    for (int i = 0; i < 600 && !fs::exists(store()); ++i) ::usleep(50'000);
    ::usleep(300'000);
    ::kill(pid, SIGKILL);
  });
  EXPECT_EQ(killed.code, 128 + SIGKILL);
  const Finished finished = watch({"--until", "3"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto first = finished.out.find("step-100: scored; it is the baseline"),
             second = finished.out.find("step-300, against step-100: pass"),
             third = finished.out.find("step-200, against step-100: pass");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos) << finished.out;

  drop("step-400");
  const Finished more = watch({}, [&](int pid) {
    for (int i = 0; i < 600; ++i) {
      ::usleep(100'000);
      const Finished runs = run_program("fewstep", {"report", store(), "--format", "json"});
      if (runs.out.find("step-400") != std::string::npos && runs.out.find("\"complete\"") != std::string::npos) break;
    }
    ::usleep(2'000'000);
    ::kill(pid, SIGINT);
  });
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_THAT(more.out, HasSubstr("step-400, against step-100: pass"));
  EXPECT_THAT(more.err, Not(HasSubstr("scoring step-200"))) << "what is stored is not scored again";

  const Finished history = run_program("fewstep", {"report", store(), "--history", "fd-pocket"});
  EXPECT_EQ(history.code, 0) << history.err;
  EXPECT_LT(history.out.find("step-100"), history.out.find("step-400"));
  for (const char* format : {"svg", "png", "html", "json", "markdown"}) {
    const fs::path file = folder_.path() / (std::string("history.") + format);
    EXPECT_EQ(
        run_program("fewstep", {"report", store(), "--history", "fd-pocket", "--format", format, "-o", file}).code, 0);
    EXPECT_GT(fs::file_size(file), 500u) << format;
  }
  EXPECT_EQ(run_program("fewstep", {"report", store(), "--history", "fid"}).code, 2);
}

TEST_F(PocketWatch, KeepsTheWeightsOfItsBaselineWhenTheFolderIsOverwritten) {
  drop("base");
  ASSERT_EQ(watch({"--until", "1"}).code, 0);
  const fs::path weights = drops() / "base/unet/diffusion_pytorch_model.safetensors";
  halve(weights);
  drop("later");
  const Finished finished = watch({"--until", "2"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("base was overwritten with other weights"));
  EXPECT_THAT(finished.out, HasSubstr("base, against base: "));
  EXPECT_THAT(finished.out, HasSubstr("later, against base: pass")) << "its images are those of the first weights";
  EXPECT_THAT(finished.out, Not(HasSubstr("it is the baseline")));
}

}  // namespace
}  // namespace fewstep
